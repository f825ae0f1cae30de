"""How an exploration goes: a bar on a terminal, otherwise a line a minute; and how its coverage has grown."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from tqdm import tqdm

from harness.report.wording import plural

if TYPE_CHECKING:
    from harness.sim.findings import Findings

__all__ = ["CoverageProgress"]

LINE_SECONDS = 60.0
# New states are counted in this share of the schedules, the last ones, or a little more: they come in chunks.
LAST = 0.1


class CoverageProgress:
    """Follows the findings of an exploration.

    Args:
        total: number of schedules to run; 0 if it is not known.
        say: prints a line: a failure, or, where standard error is not a terminal, the findings so far.
        now: returns the time in seconds.
    """

    def __init__(self, total: int, say: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._now = now
        self._grown: list[tuple[int, int]] = [(0, 0)]
        self._bar: tqdm[NoReturn] = tqdm(total=total or None, unit=" schedules", dynamic_ncols=True, disable=None)
        self._next_line = now() + LINE_SECONDS
        # Number of failures already printed.
        self._told = 0

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()

    def show(self, found: "Findings") -> None:
        """Show the findings so far, and print every failure that is new among them."""
        for failure in found.failures[self._told :]:
            self._bar.clear()
            self._say(f"seed {failure.seed}: {failure.invariant}: {failure.message}")
        self._told = failed = len(found.failures)
        states = len(found.states)
        self._bar.set_postfix(met=len(found.met), states=states, failed=failed, refresh=False)
        self._bar.update(found.schedules - self._grown[-1][0])
        self._grown.append((found.schedules, states))
        if self._bar.disable and self._now() >= self._next_line:
            self._next_line = self._now() + LINE_SECONDS
            schedules, reached = plural(found.schedules, "schedule"), plural(states, "state")
            self._say(f"{schedules}, {reached}, {failed:,} violated an invariant")

    @property
    def growth(self) -> str:
        """Whether new protocol states are still being reached."""
        schedules, states = self._grown[-1]
        since, before = max((run, known) for run, known in self._grown if run <= (1 - LAST) * schedules)
        last = f"the last {plural(schedules - since, 'schedule')} reached"
        if states == before:
            return f"coverage has gone flat: {last} no new state"
        return f"coverage still rises: {last} {plural(states - before, 'new state')}"
