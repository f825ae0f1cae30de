"""The rule that a scenario's numbers must make sense."""

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.plan.scenario import Scenario

__all__ = ["numbers_can_be_meant"]


def numbers_can_be_meant(scenario: "Scenario") -> Iterator[str]:
    """Times are finite and not negative; steps and microbatches count from 0, occurrences from 1."""
    if not (isfinite(scenario.timeout) and scenario.timeout > 0):
        yield f"timeout = {scenario.timeout}: give the seconds after which the run counts as hung"
    for name in ("recovery_bound", "idle_timeout", "loss_below"):
        value = getattr(scenario, name)
        if not (isfinite(value) and value >= 0):
            yield f"{name} = {value}: give a number from 0"
    if any(step < 0 for step in scenario.record_steps):
        yield f"record_steps = {scenario.record_steps}: steps are counted from 0"
    for planned in scenario.planned:
        at = planned.at
        if (at.step or 0) < 0 or (at.microbatch or 0) < 0 or at.occurrence < 1:
            yield f"{planned.name}: steps and microbatches are counted from 0, occurrences from 1"
