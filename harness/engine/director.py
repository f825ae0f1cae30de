"""Injects faults at the points for which they are planned."""

import threading
from collections.abc import Sequence

from harness.engine.script import RunningScript
from harness.engine.world import World
from harness.plan.faults.fault import Fault
from harness.trace.event import Event

__all__ = ["FaultDirector"]


class FaultDirector:
    """Waits for held processes, injects the planned faults, and releases the processes."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._planned = sorted(faults, key=lambda fault: fault.at.occurrence)
        self._threads: list[threading.Thread] = []

    def take(self, event: Event, world: World) -> None:
        """Inject the fault planned for a held process; each fault once."""
        assert event.release is not None
        fault = next(fault for fault in self._planned if fault.at.matches(event))
        self._planned.remove(fault)
        thread = threading.Thread(target=_break, args=(fault, event, world), daemon=True, name=fault.name)
        self._threads.append(thread)
        thread.start()

    def finish(self, timeout: float) -> None:
        """Wait until every injected fault is healed; one that takes too long counts as not healed."""
        for thread in self._threads:
            thread.join(timeout)


def _break(fault: Fault, event: Event, world: World) -> None:
    assert event.release is not None
    note = world.observer.note
    try:
        script = RunningScript(fault, event, world)
        script.inject()
        note("harness", "fault.injected", fault=fault.name, step=event.step, held=event.number)
    except Exception as error:  # noqa: BLE001 - whatever it is, the fault is not injected, and that must be known
        note("harness", "fault.failed", fault=fault.name, reason=str(error) or type(error).__name__)
        return
    finally:
        event.release()
    try:
        script.heal()
        note("harness", "fault.healed", fault=fault.name)
    except Exception as error:  # noqa: BLE001 - whatever it is, the fault is not healed, and that must be known
        note("harness", "fault.unhealed", fault=fault.name, reason=str(error) or type(error).__name__)
