"""Scenarios of links so slow that one message takes longer than a call's timeout, or that a reply takes ten seconds."""

from collections.abc import Iterator

from harness.plan.links import EDGE_5S, HOSPITAL_VPN
from harness.plan.scenario import Scenario
from splitlearn.config import TrainingConfig

__all__ = ["slow_links"]

SMALL = TrainingConfig(
    model="tiny", cuts="1:3", vocab_size=512, data_format="lines", max_length=48, batch_size=4, max_steps=2
)


def slow_links() -> Iterator[Scenario]:
    """Yield runs that must train with settings that suit a fast link, without a failed call."""
    checks = ("equivalence", "exactly_once", "traffic", "work")
    yield Scenario(
        "edge-5s", "Five seconds either way", SMALL, link=EDGE_5S, checks=checks, timeout=600.0
    )  # fmt: skip
    yield Scenario(
        "hospital-vpn-4mbit",
        "Messages of 10 MB over 4 Mbit/s, each of which takes longer than the timeout of a call",
        SMALL.but(batch_size=870, max_steps=1, rpc_timeout=20.0),
        link=HOSPITAL_VPN,
        checks=checks,
        timeout=900.0,
    )
