"""A party of a simulated run: the successive processes of client or trunk on one machine."""

import signal
from collections.abc import Callable
from functools import partial

from harness.errors import HarnessError
from harness.sim.kernel import Kernel
from harness.sim.machine import Machine
from harness.sim.observer import SimObserver
from harness.sim.process import Process
from harness.sim.superseded import Superseded, end_of

__all__ = ["SimParty"]

# Called with the process and whether the party has run before; returns the exit status.
Program = Callable[[Process, bool], int]
SUPERVISOR_SECONDS = 1.0


class SimParty:
    """A party, over all its lives.

    Args:
        name: "client", "trunk", or the name of a further client.
        machine: the machine on which it runs.
        kernel: schedules its processes.
        observer: records when its processes start and end.

    Attributes:
        program: the program that its processes run.
        stop_asked: called with the signal when the running process is asked to stop.
        supervised: whether it is restarted after an exit with an error, as by a supervisor such as systemd.
        superseded: its processes that others took the place of while they were alive.
    """

    def __init__(self, name: str, machine: Machine, kernel: Kernel, observer: SimObserver) -> None:
        self.name = name
        self.machine = machine
        self.stop_asked: Callable[[signal.Signals], None] = lambda _number: None
        self.program: Program = _nothing
        self.supervised = False
        self.superseded = Superseded()
        self._kernel = kernel
        self._observer = observer
        self._lives: list[Process] = []
        # Processes that a fault has ended or is about to end.
        self._given_up: set[Process] = set()
        self._killed: set[Process] = set()
        self._asked: Process | None = None

    @property
    def process(self) -> Process:
        """The newest process."""
        return self._lives[-1]

    @property
    def running(self) -> bool:
        """Whether its newest process is alive, paused or not."""
        return bool(self._lives) and self.process.alive

    @property
    def done(self) -> bool:
        """Whether it has ended on its own and will not be restarted; or failed, and so have all that it superseded."""
        ended = bool(self._lives) and not self.process.alive and self.process not in self._given_up
        return ended and (self.process.status == 0 or self.superseded.have_ended)

    @property
    def problem(self) -> str:
        """Why it failed; empty if it exited with status 0 or has not ended."""
        if self.done and self.process.status != 0 and not self.superseded.have_finished:
            return f"the {self.name} ended with {end_of(self.process)}"
        return self.superseded.problem

    def start(self) -> None:
        """Start or restart it, unless it is running."""
        if not self.running:
            self._start()

    def supersede(self) -> None:
        """Pause the process and start another one beside it, as someone does who believes that it is dead.

        Raises:
            HarnessError: it has ended already.
        """
        self.superseded.add(self._give_up())
        self._observer.note("harness", "process.superseded", party=self.name, life=len(self._lives))
        self._start()

    def end_all(self) -> None:
        """End all of its processes, because the run is over."""
        self.superseded.kill()
        if self.running:
            self.process.kill()

    def _start(self) -> None:
        again = bool(self._lives)
        self._lives.append(Process(self._kernel, self.name, lambda process: self.program(process, again), self._ended))
        if again:
            self._observer.note("harness", "process.started", party=self.name, life=len(self._lives))

    def kill(self) -> None:
        """Kill the process, as SIGKILL does; raises `HarnessError` if it has ended already."""
        self._end()
        self._observer.note("harness", "process.killed", party=self.name, life=len(self._lives))

    def lose_power(self, changes: int) -> None:
        """Cut the machine's power: kill the process, and drop unsynced changes from its disk.

        Args:
            changes: number of the disk change, counted from 1, just before which the power is lost; 0 means now.

        Raises:
            HarnessError: the process has ended already.
        """
        if changes:
            self._must_run()
            self.machine.lose_power_before(changes, self._crash)
        else:
            self._crash()

    def fail_disk(self, changes: tuple[str, ...], error: int, times: int) -> None:
        """Make the next changes of some kinds on its disk fail with an `errno`."""
        note = partial(self._observer.note, "harness", "disk.failed", self.name)
        self.machine.fail(changes, error, times, lambda change: note(change=change))

    def _crash(self) -> None:
        if self.running:  # it may have ended since, and a superseded process gone on
            self._end()
        elif not self.superseded.have_ended and self.process.status != 0:
            # It gave way to one that is lost now, so whoever starts the machine starts it, too.
            self._given_up.add(self.process)
        self.superseded.kill()
        self.machine.lose_power()
        self._observer.note("harness", "machine.crashed", party=self.name, life=len(self._lives))

    def ask_to_stop(self) -> None:
        """Ask the process to stop, as SIGTERM does; raises `HarnessError` if it has ended already."""
        self._asked = self._give_up()
        self._asked.start(lambda: self.stop_asked(signal.SIGTERM))

    @property
    def has_stopped(self) -> bool:
        """Whether the process that was asked to stop has ended, for whatever reason."""
        return self._asked is not None and not self._asked.alive

    def start_stopped(self, expected: int) -> None:
        """Restart it after it has stopped on request, unless its work was done or another fault ended it.

        Args:
            expected: exit status of a process that was stopped.

        Raises:
            HarnessError: it exited with a different status and has no supervisor.
        """
        process = self._asked
        assert process is not None
        if process in self._killed or process is not self.process:
            return  # restarted by the fault that killed it, or by another that stopped it
        if process.status == 0 != expected:
            self._given_up.discard(process)  # its work was done
            return
        if process.status != expected and not self.supervised:
            self._given_up.discard(process)  # nobody starts it again, so how it ended is how the party ended
            raise HarnessError(f"the {self.name}, asked to stop, ended with {process.error or process.status}")
        self._observer.note("harness", "process.stopped", party=self.name, life=len(self._lives), status=process.status)
        self.start()

    def pause(self) -> None:
        """Pause the process, as SIGSTOP does; raises `HarnessError` if it has ended already."""
        self._must_run().pause()
        self._observer.note("harness", "process.paused", party=self.name)

    def go_on(self) -> None:
        """Continue a paused process, as SIGCONT does."""
        if self._lives:
            self.process.go_on()
        self._observer.note("harness", "process.continued", party=self.name)

    def _end(self) -> None:
        process = self._give_up()
        self._killed.add(process)
        process.kill()

    def _give_up(self) -> Process:
        process = self._must_run()
        self._given_up.add(process)
        return process

    def _must_run(self) -> Process:
        if not self.running:
            raise HarnessError(f"the {self.name} had ended already")
        return self.process

    def _ended(self, process: Process) -> None:
        if self.supervised and process not in self._given_up and process.status != 0:
            self._given_up.add(process)
            self._observer.note("harness", "process.failed", party=self.name, why=str(process.error))
            self._kernel.after(SUPERVISOR_SECONDS, self._start_unless_running)
        self._observer.look()

    def _start_unless_running(self) -> None:
        if not self.running:
            self.start()


def _nothing(_process: Process, _again: bool) -> int:  # noqa: FBT001 - the signature of a program
    return 0
