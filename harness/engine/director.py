"""Starts faults and adversaries at the points for which they are planned."""

import threading
from collections.abc import Sequence

from harness.engine.script import RunningScript
from harness.engine.world import World
from harness.plan.adversaries import Adversary
from harness.plan.planned import Planned
from harness.trace.event import Event

__all__ = ["Director"]

# How the trace reports each: the field with its name, and the points for its beginning and end, successful or not.
FAULT = ("fault", "fault.injected", "fault.failed", "fault.healed", "fault.unhealed")
ADVERSARY = ("adversary", "adversary.began", "adversary.failed", "adversary.ended", "adversary.gave_up")


class Director:
    """Waits for held processes, carries out what is planned, and releases the processes."""

    def __init__(self, planned: Sequence[Planned]) -> None:
        self._planned = sorted(planned, key=lambda each: each.at.occurrence)
        self._threads: list[threading.Thread] = []

    def take(self, event: Event, world: World) -> None:
        """Start what is planned for a held process; each fault and adversary starts once."""
        assert event.release is not None
        planned = next(planned for planned in self._planned if planned.at.matches(event))
        self._planned.remove(planned)
        thread = threading.Thread(target=_carry_out, args=(planned, event, world), daemon=True, name=planned.name)
        self._threads.append(thread)
        thread.start()

    def finish(self, timeout: float) -> None:
        """Wait until everything that was started is over; what takes too long counts as not healed, or not ended."""
        for thread in self._threads:
            thread.join(timeout)


def _carry_out(planned: Planned, event: Event, world: World) -> None:
    assert event.release is not None
    note = world.observer.note
    kind, begun, failed, done, undone = ADVERSARY if isinstance(planned, Adversary) else FAULT
    told = {kind: planned.name}
    try:
        script = RunningScript(planned, event, world)
        script.inject()
        note("harness", begun, **told, step=event.step, held=event.number)
    except Exception as error:  # noqa: BLE001 - whatever it is, the fault did not begin, and the trace must say so
        note("harness", failed, **told, reason=str(error) or type(error).__name__)
        return
    finally:
        event.release()
    try:
        script.heal()
        note("harness", done, **told)
    except Exception as error:  # noqa: BLE001 - whatever it is, the fault has not healed, and the trace must say so
        note("harness", undone, **told, reason=str(error) or type(error).__name__)
