"""A coverage measure: the distinct protocol states that a run reaches."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from harness.plan.other_clients import session_of
from harness.trace.event import Event

__all__ = ["states_of"]

# Counts and differences are capped at these, which bounds the number of states.
MOST_LIVES, MOST_AHEAD = 3, 2


def _nothing_yet() -> dict[str, int]:
    return {"client": 0, "trunk": 0}


@dataclass
class _Session:
    """How far client and trunk are with a session: steps applied and saved, and how often it was begun anew."""

    applied: dict[str, int] = field(default_factory=_nothing_yet)
    saved: dict[str, int] = field(default_factory=_nothing_yet)
    lives: int = 1
    openings: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """What of it counts as a state."""
        return (
            _near(self.applied["client"] - self.applied["trunk"]),
            _near(self.saved["client"] - self.saved["trunk"]),
            _near(self.applied["client"] - self.saved["client"]),
            min(self.lives, MOST_LIVES),
            min(self.openings, MOST_LIVES),
        )


def states_of(events: Iterable[Event]) -> set[int]:
    """Return hashes of the protocol states that a run reaches.

    A state consists of a point, and, of the session that it concerns, how far the client is ahead of the trunk in steps
    applied and saved, how far its applied steps are ahead of its saved ones, how often each side was started and the
    session opened, whether the network is up, and how many faults are active. Differences and counts are capped, and
    absolute step numbers left out, because they do not affect what the protocol does next.
    """
    sessions: defaultdict[str, _Session] = defaultdict(_Session)
    trunks, is_up, at_work = 1, True, 0
    found: set[tuple[str, tuple[int, ...]]] = set()
    for event in events:
        role, _, what = event.point.partition(".")
        session = sessions[str(event.fields.get("session") or session_of(event.party))]
        if role in session.applied:
            if what == "session.opened":
                session.applied[role] = event.step or 0
                session.openings += role == "trunk"
            elif what == "commit.applied":
                session.applied[role] = (event.step or 0) + 1
            elif what == "checkpoint.saved":
                session.saved[role] = event.step or 0
        elif event.point == "process.started" and event.party == "trunk":
            trunks += 1
        elif event.point == "process.started":
            session.lives += 1
        elif event.point in {"proxy.enabled", "proxy.disabled"}:
            is_up = event.point == "proxy.enabled"
        at_work += (event.point == "fault.injected") - (event.point in {"fault.healed", "fault.unhealed"})
        found.add((event.point, (*session.numbers, min(trunks, MOST_LIVES), is_up, min(at_work, MOST_AHEAD))))
    return {_stable_hash(point, numbers) for point, numbers in found}


def _near(difference: int) -> int:
    return max(-MOST_AHEAD, min(MOST_AHEAD, difference))


def _stable_hash(point: str, numbers: tuple[int, ...]) -> int:
    """Return a hash that is equal in all processes, unlike Python's randomized `hash`."""
    value = _number_of(point)
    for number in numbers:
        value = (value * 1_000_003 + number + 7) % (1 << 61)
    return value


@cache
def _number_of(point: str) -> int:
    return int.from_bytes(hashlib.blake2b(point.encode(), digest_size=7).digest(), "little")
