"""The processes of a party that another process took the place of while they were alive."""

from harness.sim.process import Process
from splitlearn.errors import UserError

__all__ = ["Superseded", "end_of"]


class Superseded:
    """Superseded processes: they are paused, may continue later, and must then do no harm and end by themselves."""

    def __init__(self) -> None:
        self._processes: list[Process] = []

    def add(self, process: Process) -> None:
        """Pause a process; its points and requests are no longer its party's."""
        process.pause()
        process.name = f"superseded {process.name}"
        self._processes.append(process)

    def go_on(self) -> None:
        """Continue all of them."""
        for process in self._processes:
            process.go_on()

    def kill(self) -> None:
        """Kill those that are alive."""
        for process in self._processes:
            if process.alive:
                process.kill()

    @property
    def have_ended(self) -> bool:
        """Whether none of them is alive."""
        return not any(process.alive for process in self._processes)

    @property
    def have_finished(self) -> bool:
        """Whether one of them has done the work: the last to open a session has it, whoever started last."""
        return any(process.status == 0 for process in self._processes)

    @property
    def problem(self) -> str:
        """Why one of them crashed; empty if none did. It may end with a message to its user, who started another."""
        if not self._processes:  # as in most worlds, which ask at every event
            return ""
        crashed = (each for each in self._processes if each.error and not isinstance(each.error, UserError))
        return next((f"the {each.name} ended with {end_of(each)}" for each in crashed), "")


def end_of(process: Process) -> str:
    """Return in words how a process has ended."""
    return f"{type(process.error).__name__}: {process.error}" if process.error else f"status {process.status}"
