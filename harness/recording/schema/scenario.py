"""scenario.json: the scenario of a run, as far as it can be read without knowing its types.

The file itself is complete: `harness.plan.scenario_json` writes it and reconstructs the scenario from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator

from harness.plan.faults.groups import OTHER, Group

__all__ = ["LinkRecord", "PlannedAdversary", "PlannedFault", "ScenarioRecord", "Trigger"]

BITS = 8


def _of_before(link: object) -> object:
    """Return a link in its current form; before schemas had versions, it had a one-way delay and kbit/s."""
    if not (isinstance(link, Mapping) and "delay_ms" in link):
        return link
    delay, rate = link["delay_ms"], link.get("bandwidth_kbps")
    return {
        **link,
        "round_trip_ms": None if delay is None else 2 * delay,
        "down_kbps": None if rate is None else rate / BITS,
    }


@dataclass(frozen=True)
class LinkRecord:
    """The network between the two parties; bandwidths are in kB/s, 0 means no limit."""

    name: str
    round_trip_ms: float | None = None
    jitter_ms: float | None = None
    up_kbps: float | None = None
    down_kbps: float | None = None
    source: str | None = None

    @property
    def delay_ms(self) -> float | None:
        """One-way delay."""
        return None if self.round_trip_ms is None else self.round_trip_ms / 2

    @property
    def down_kilobits(self) -> float | None:
        """Bandwidth to the client in kbit/s."""
        return None if self.down_kbps is None else BITS * self.down_kbps


@dataclass(frozen=True)
class Trigger:
    """The place at which a fault is due."""

    point: str
    step: int | None = None
    microbatch: int | None = None


@dataclass(frozen=True)
class PlannedFault:
    """A planned fault."""

    name: str
    kind: str = ""
    group: Group = OTHER
    at: Trigger | None = None
    detail: str | Mapping[str, object] | None = None


@dataclass(frozen=True)
class PlannedAdversary:
    """A planned adversary."""

    name: str
    kind: str = ""
    at: Trigger | None = None
    detail: str = ""


@dataclass(frozen=True)
class ScenarioRecord:
    """The scenario of a run; `schema` is 0 in old recordings without a number."""

    name: str
    title: str = ""
    topology: str = ""
    link: Annotated[LinkRecord | None, BeforeValidator(_of_before)] = None
    faults: tuple[PlannedFault, ...] = ()
    adversaries: tuple[PlannedAdversary, ...] = ()
    timed: bool = False
    materials: tuple[str, ...] = ()
    config: Mapping[str, object] = field(default_factory=dict)
    schema: int = 0
