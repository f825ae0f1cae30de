"""How an execution of a scenario ended, whoever executed it."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judging.facts import Traffic
from harness.trace.event import Event
from harness.trace.memory_sample import MemorySample
from harness.trace.simulated_world import SimulatedWorld

__all__ = ["ExecutionResult"]


@dataclass(frozen=True)
class ExecutionResult:
    """How an execution ended.

    Attributes:
        problem: why it did not succeed; empty when it did.
        traffic: bytes at the proxy; None if unknown.
        events: all events received.
        memory: of both parties, at every applied step.
        world: the simulated one in which it took place; None if real programs ran.
    """

    problem: str
    traffic: Traffic | None
    events: Sequence[Event]
    memory: Sequence[MemorySample] = ()
    world: SimulatedWorld | None = None
