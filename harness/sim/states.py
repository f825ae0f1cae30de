"""A coverage measure: the distinct protocol states that a run reaches."""

import hashlib
from collections.abc import Iterable
from functools import cache

from harness.trace.event import Event

__all__ = ["states_of"]

# Counts and differences are capped at these, which bounds the number of states.
MOST_LIVES, MOST_AHEAD = 3, 2


def states_of(events: Iterable[Event]) -> set[int]:
    """Return hashes of the protocol states that a run reaches.

    A state consists of a point, how far the client is ahead of the trunk in steps applied and saved, how far its
    applied steps are ahead of its saved ones, how often each side was started and the session opened, whether the
    network is up, and how many faults are active. Differences and counts are capped, and absolute step numbers left
    out, because they do not affect what the protocol does next.
    """
    applied = {"client": 0, "trunk": 0}
    saved = {"client": 0, "trunk": 0}
    lives = {"client": 1, "trunk": 1}
    openings, is_up, at_work = 0, True, 0
    found = set()
    for event in events:
        role, _, what = event.point.partition(".")
        if role in applied:
            if what == "session.opened":
                applied[role] = event.step or 0
                openings += role == "trunk"
            elif what == "commit.applied":
                applied[role] = (event.step or 0) + 1
            elif what == "checkpoint.saved":
                saved[role] = event.step or 0
        elif event.point == "process.started":
            lives[event.party.partition("-")[0]] += 1
        elif event.point in {"proxy.enabled", "proxy.disabled"}:
            is_up = event.point == "proxy.enabled"
        at_work += (event.point == "fault.injected") - (event.point in {"fault.healed", "fault.unhealed"})
        found.add(
            _stable_hash(
                event.point,
                _near(applied["client"] - applied["trunk"]),
                _near(saved["client"] - saved["trunk"]),
                _near(applied["client"] - saved["client"]),
                *(min(number, MOST_LIVES) for number in (*lives.values(), openings)),
                is_up,
                min(at_work, MOST_AHEAD),
            )
        )
    return found


def _near(difference: int) -> int:
    return max(-MOST_AHEAD, min(MOST_AHEAD, difference))


def _stable_hash(point: str, *numbers: int) -> int:
    """Return a hash that is equal in all processes, unlike Python's randomized `hash`."""
    value = _number_of(point)
    for number in numbers:
        value = (value * 1_000_003 + number + 7) % (1 << 61)
    return value


@cache
def _number_of(point: str) -> int:
    return int.from_bytes(hashlib.blake2b(point.encode(), digest_size=7).digest(), "little")
