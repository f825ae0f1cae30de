"""What a run was asked to do, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.plan.faults.groups import OTHER, Group

__all__ = ["Link", "PlannedFault", "Scenario", "Trigger"]


@dataclass(frozen=True)
class Link:
    """The network between the two parties."""

    name: str
    delay_ms: float | None = None
    jitter_ms: float | None = None
    bandwidth_kbps: float | None = None
    source: str | None = None


@dataclass(frozen=True)
class Trigger:
    """Where in the run a fault is due."""

    point: str
    step: int | None = None
    microbatch: int | None = None


@dataclass(frozen=True)
class PlannedFault:
    """A fault the scenario asks for."""

    name: str
    kind: str = ""
    group: Group = OTHER
    at: Trigger | None = None
    detail: str | Mapping[str, object] | None = None


@dataclass(frozen=True)
class Scenario:
    """What the run was asked to do."""

    name: str
    title: str = ""
    topology: str = ""
    link: Link | None = None
    faults: tuple[PlannedFault, ...] = ()
    timed: bool = False
    config: Mapping[str, object] = field(default_factory=dict)
