"""Scenarios of silence: outages, dead connections, and parties that do not answer."""

from collections.abc import Iterator
from dataclasses import replace

from harness.plan.faults import Absence, NetworkFault, Partition, Pause
from harness.plan.links import LinkProfile
from harness.plan.matrices import CONFIG, scenario
from harness.plan.scenario import Scenario
from harness.trace.place import At

__all__ = ["outages"]

MIDDLE = At("client.forward.sent", 3, 1)
TRUNK = At("trunk.backward.received", 3, 1)
OUTAGES = (5.0, 60.0)
LONG_CALLS = CONFIG.but(rpc_timeout=100.0, retry_timeout=150.0)
NARROW = LinkProfile("narrow", 20, 0, 50, 0, "a tenth of the narrowest line in use, for messages that take 15 s")


def outages() -> Iterator[Scenario]:
    """Yield runs with silence that the affected party must notice in time and outlast."""
    for seconds in OUTAGES:
        yield scenario(
            f"outage-{seconds:g}s", f"The network is down for {seconds:g} s", Partition(MIDDLE, seconds),
            config=CONFIG.but(retry_timeout=120.0),
        )  # fmt: skip
    yield scenario(
        "silent-trunk", "The trunk stands still for longer than a call may take, which a failed call must tell",
        Pause(TRUNK, "trunk", 6.0),
    )  # fmt: skip
    yield scenario(
        "silent-trunk-long-calls", "The trunk stands still, which pings must tell long before a call's deadline",
        Pause(TRUNK, "trunk", 78.0), config=LONG_CALLS,
    )  # fmt: skip
    yield scenario(
        "dead-connection", "Nothing that the trunk sends arrives, which pings must tell long before a call's deadline",
        NetworkFault(TRUNK, "half-open", "downstream"),
        config=LONG_CALLS,
    )  # fmt: skip
    away = scenario(
        "absent-client", "The client is away for so long that the trunk gives its place up; then it comes back",
        Absence(MIDDLE, within=10.0),
    )  # fmt: skip
    yield replace(away, idle_timeout=3.0, expects=("trunk.session.closed", "client.session.lost"))
    slow = scenario(
        "narrow-line", "Messages take longer than pings are apart, and nobody takes the connection for dead",
        config=CONFIG.but(batch_size=60, gradient_accumulation_steps=1, max_steps=1, rpc_timeout=100.0),
    )  # fmt: skip
    yield replace(slow, link=NARROW, record_steps=())
