"""A measure of coverage: the distinct states of the protocol that a run passes."""

from collections.abc import Iterable

from harness.trace.event import Event

__all__ = ["states_of"]

# Counts above these say nothing new.
MOST_LIVES, MOST_AHEAD = 3, 2


def states_of(events: Iterable[Event]) -> set[int]:
    """Return hashes of the states of a run.

    A state is a point with what each side has applied and saved beyond the other, how often each was started and the
    session opened, whether the network is up, and whether a fault is at work. These decide how the protocol goes on;
    the numbers of steps and of lives do not.
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
        elif event.point.startswith("proxy."):
            is_up = event.point != "proxy.disabled"
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
    """Return the same number in every process, which Python's own hash of text is not."""
    value = int.from_bytes(point.encode()[-8:], "little")
    for number in numbers:
        value = (value * 1_000_003 + number + 7) % (1 << 61)
    return value
