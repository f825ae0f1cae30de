"""A progress bar for a run, fed by the client's own points."""

from types import TracebackType
from typing import NoReturn, Self

from tqdm import tqdm

from harness.events import Event
from harness.scenario import Scenario

__all__ = ["RunProgress"]


class RunProgress:
    """Shows steps, loss and faults on standard error."""

    def __init__(self, scenario: Scenario) -> None:
        total = scenario.config.max_steps or None
        self._bar: tqdm[NoReturn] = tqdm(total=total, desc=scenario.name, unit="step", dynamic_ncols=True)

    def __enter__(self) -> Self:
        """Show the bar."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def take(self, event: Event) -> None:
        """Show an event."""
        if event.point == "client.commit.applied":
            self._bar.set_postfix_str(f"loss {float(event.fields['loss']):.4f}", refresh=False)
            self._bar.update()
        elif event.point in ("fault.injected", "fault.healed"):
            self._bar.write(f"  {event.t:7.2f} s  {event.point}: {event.fields['fault']}")
