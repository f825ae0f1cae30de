"""A progress bar for a run, fed by the client's own points."""

import sys
from typing import NoReturn

from tqdm import tqdm

from harness.plan.scenario import Scenario
from harness.trace.event import Event

__all__ = ["RunProgress"]

# Points of what was planned, and the field in which each has the name.
PLANNED = {
    "fault.injected": "fault",
    "fault.healed": "fault",
    "adversary.began": "adversary",
    "adversary.ended": "adversary",
}


class RunProgress:
    """Shows steps, loss, faults and adversaries on standard error; the bar on a terminal only."""

    def __init__(self, scenario: Scenario) -> None:
        total = scenario.config.max_steps or None
        # None disables it if standard error is not a terminal.
        self._name = scenario.name
        self._bar: tqdm[NoReturn] = tqdm(total=total, desc=scenario.name, unit="step", dynamic_ncols=True, disable=None)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def take(self, event: Event) -> None:
        """Show an event, of several clients the first one's."""
        if event.source == "client" != event.party:
            return
        if event.point == "client.step.started":
            self._stand_at(event.step or 0)  # a run that goes back to a checkpoint starts an earlier step
        elif event.point == "client.commit.applied":
            self._bar.set_postfix_str(f"loss {float(event.fields['loss']):.4f}", refresh=False)
            self._stand_at((event.step or 0) + 1)
        elif event.point in PLANNED:
            self._bar.write(f"  {event.t:7.2f} s  {event.point}: {event.fields[PLANNED[event.point]]}", file=sys.stderr)

    def wait(self, why: str) -> None:
        """Show what the run waits for before it begins."""
        self._bar.write(f"{self._name} {why}", file=sys.stderr)

    def _stand_at(self, steps: int) -> None:
        self._bar.update(steps - self._bar.n)
