"""What a fault leads to: the first thing that programs do otherwise than in the same run without it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from harness.sim.outcome import Outcome
from harness.trace.event import Event

__all__ = ["first_consequence"]

# Roles of programs. What the harness, the proxy and the relay do is what a fault consists of, not what it leads to.
PROGRAMS = ("client", "trunk")


@dataclass(frozen=True)
class _Difference:
    """The first difference between what a party does in two runs.

    Attributes:
        party: its name; "harness" for the faults that both runs have.
        equal: number of events before it.
        mine: the event of the one run; None if it has no more.
        other: the event of the other run, likewise.
    """

    party: str
    equal: int
    mine: Event | None
    other: Event | None

    @property
    def rank(self) -> tuple[bool, float]:
        """When it is, in the order of worth: that a run, which ends at its violation, has no more events says least."""
        event = self.mine or self.other
        assert event is not None
        return self.mine is None, event.t

    def __str__(self) -> str:
        """Return the difference in words."""
        same = f"the first {self.equal:,} events of the {self.party} are equal"
        return f"{same}; then {_words(self.mine)} in this run, {_words(self.other)} in the other"


def first_consequence(outcome: Outcome, other: Outcome, faults: Collection[str]) -> str:
    """Return in words the first difference between what the programs do in two runs.

    Each party is compared with itself: while a fault holds one of them, others may be ahead, which is no consequence.

    Args:
        outcome: the one run's.
        other: the other run's.
        faults: names of the faults that both have.
    """
    mine, theirs = (_by_party(each.events, faults) for each in (outcome, other))
    found = [_difference(party, mine.get(party, []), theirs.get(party, [])) for party in sorted({*mine, *theirs})]
    differences = [each for each in found if each is not None]
    if not differences:
        return "every party passes the same points in both"
    return str(min(differences, key=lambda each: each.rank))


def _by_party(events: Iterable[Event], faults: Collection[str]) -> Mapping[str, list[Event]]:
    """Return the events of each program, and of the faults that both runs have."""
    found: dict[str, list[Event]] = {}
    for event in events:
        if event.source in PROGRAMS or event.fields.get("fault") in faults:
            found.setdefault(event.party or event.source, []).append(event)
    return found


def _difference(party: str, mine: list[Event], theirs: list[Event]) -> _Difference | None:
    for equal, (one, two) in enumerate(zip_longest(mine, theirs)):
        if one is None or two is None or _plain(one) != _plain(two):
            return _Difference(party, equal, one, two)
    return None


def _plain(event: Event) -> tuple[object, ...]:
    return event.point, event.step, event.microbatch, event.fields.get("fault")


def _words(event: Event | None) -> str:
    if event is None:
        return "nothing more"
    where = "".join(f".{number}" for number in (event.step, event.microbatch) if number is not None)
    fault = event.fields.get("fault")
    return f"{event.point}{where}{f' of {fault}' if fault else ''} at {event.t:.4f} s"
