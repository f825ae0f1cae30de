"""The rule that what a fault or an adversary does has a sensible extent."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.plan.scenario import Scenario

__all__ = ["amounts_can_be_meant"]

# Ten times as many as half an hour is enough for.
MOST_MESSAGES = 1_000_000
# As many as a program makes that is started again and again for minutes.
MOST_CHANGES = 1000
# More than any checkpoint has.
MOST_BITS = 1 << 40


@dataclass(frozen=True)
class Bounds:
    """What an amount may be.

    Attributes:
        least: the smallest value.
        most: returns the largest value for a scenario.
        words: how the message continues after "give LEAST to MOST".
    """

    least: float
    most: Callable[["Scenario"], float]
    words: str = ""


SECONDS = Bounds(0, lambda scenario: scenario.timeout, ", the run's timeout")
LENGTH = Bounds(0, lambda scenario: scenario.config.max_message_bytes, ", the longest message (max_message_bytes)")
MESSAGES = Bounds(1, lambda _scenario: MOST_MESSAGES)
# By the name of a field, which has the same unit in every fault and adversary, a user's own included.
AMOUNTS: Mapping[str, Bounds] = {
    "seconds": SECONDS,
    "within": SECONDS,
    "bytes": LENGTH,
    "count": MESSAGES,
    "times": Bounds(1, lambda _scenario: MOST_CHANGES),
    "answered": MESSAGES,
    "changes": Bounds(0, lambda _scenario: MOST_CHANGES),
    "bit": Bounds(0, lambda _scenario: MOST_BITS),
}


def amounts_can_be_meant(scenario: "Scenario") -> Iterator[str]:
    """Nothing lasts longer than the run may, no message is longer than allowed, no attack takes hours."""
    for planned in scenario.planned:
        for name in (field.name for field in fields(planned) if field.name in AMOUNTS):
            bounds, amount = AMOUNTS[name], getattr(planned, name)
            most = bounds.most(scenario)
            # Written so that NaN, which is between no two numbers, is refused too.
            if isinstance(amount, int | float) and not bounds.least <= amount <= most:
                yield f"{planned.name}: {name} = {amount}: give {bounds.least:g} to {most:.12g}{bounds.words}"
