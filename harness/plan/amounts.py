"""The rule that what a fault or an adversary does has a sensible extent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.plan.adversaries import HostilePeers, KeepPace, LyingTrunk
from harness.plan.faults import Absence, CutMessage, Partition, Pause

if TYPE_CHECKING:
    from harness.plan.scenario import Scenario

__all__ = ["amounts_can_be_meant"]

# Ten times as many as half an hour is enough for.
MOST_MESSAGES = 1_000_000


def amounts_can_be_meant(scenario: "Scenario") -> Iterator[str]:
    """Nothing lasts longer than the run may, no message is longer than allowed, no attack takes hours."""
    longest, largest = scenario.timeout, scenario.config.max_message_bytes
    for planned in scenario.planned:
        match planned:
            case Partition(seconds=seconds) | Pause(seconds=seconds) if not _between(0, seconds, longest):
                yield f"{planned.name}: seconds = {seconds}: give 0 to {longest:g}, the run's timeout"
            case Absence(within=within) if not _between(0, within, longest):
                yield f"{planned.name}: within = {within}: give seconds from 0 to {longest:g}, the run's timeout"
            case CutMessage(bytes=length) if not _between(0, length, largest):
                yield f"{planned.name}: bytes = {length}: give 0 to {largest}, the longest message (max_message_bytes)"
            case HostilePeers(count=count) | LyingTrunk(count=count) if not _between(1, count, MOST_MESSAGES):
                yield f"{planned.name}: count = {count}: give 1 to {MOST_MESSAGES}"
            case KeepPace(answered=answered) if not _between(1, answered, MOST_MESSAGES):
                yield f"{planned.name}: answered = {answered}: give 1 to {MOST_MESSAGES}"
            case _:
                pass


def _between(least: float, amount: float, most: float) -> bool:
    return least <= amount <= most  # nothing is between, if it is NaN
