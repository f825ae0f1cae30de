"""The results of schedules, summed up; light to import, so that an exploration can tell them from its very start."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.judging.agreement import shown
from harness.sim.states import states_of

if TYPE_CHECKING:
    from harness.sim.case import Case
    from harness.sim.outcome import Outcome

__all__ = ["Failure", "Findings"]


@dataclass(frozen=True)
class Failure:
    """A schedule that violated an invariant.

    Attributes:
        seed: seed of the schedule and its world.
        invariant: name of the first invariant violated.
        message: what happened.
    """

    seed: int
    invariant: str
    message: str


@dataclass
class Findings:
    """The summed results of some schedules.

    Attributes:
        schedules: number of schedules run.
        planned: number of faults planned in them.
        faults: number of faults that showed, as their traces among the events tell.
        events: number of events traced.
        compared: number of tensors compared with the undisturbed run.
        failures: schedules that violated an invariant.
        met: number of faults that showed, by (kind of fault, point).
        states: hashes of the distinct protocol states reached.
        steps: number of optimizer steps applied by the clients.
        virtual_seconds: total virtual time of all runs.
    """

    schedules: int = 0
    planned: int = 0
    faults: int = 0
    events: int = 0
    compared: int = 0
    failures: list[Failure] = field(default_factory=list)
    met: Counter[tuple[str, str]] = field(default_factory=Counter)
    states: set[int] = field(default_factory=set)
    steps: int = 0
    virtual_seconds: float = 0.0

    def add(self, other: "Findings") -> None:
        """Add the results of other schedules."""
        self.schedules += other.schedules
        self.planned += other.planned
        self.faults += other.faults
        self.events += other.events
        self.compared += other.compared
        self.failures += other.failures
        self.met.update(other.met)
        self.states |= other.states
        self.steps += other.steps
        self.virtual_seconds += other.virtual_seconds

    def take(self, case: "Case", outcome: "Outcome") -> None:
        """Add the outcome of one schedule."""
        self.schedules += 1
        self.planned += len(case.scenario.faults)
        self.events += len(outcome.events)
        self.compared += sum(bits.compared for bits in outcome.bits.values())
        self.virtual_seconds += outcome.seconds
        seen = set(shown(case.scenario.faults, outcome.events))
        self.faults += len(seen)
        self.met.update((type(fault).__name__, fault.at.point) for fault in case.scenario.faults if fault.name in seen)
        self.steps += sum(event.point == "client.commit.applied" for event in outcome.events)
        self.states |= states_of(outcome.events)
        if outcome.violation:
            self.failures.append(Failure(case.world.seed, outcome.violation.invariant, outcome.violation.message))
