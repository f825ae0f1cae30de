"""A simulated machine: what its process takes from it, and what outlives the process."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from harness.sim.choices import Choices
from harness.sim.kernel import Signal
from harness.sim.process import Process
from splitlearn.runtime import Runtime
from splitlearn.runtime.simulated import MemoryDisk, SeededEntropy

__all__ = ["Machine", "ProcessClock"]

LOCK_LOOK_SECONDS = 0.01


class ProcessClock:
    """The world's time, as one process sees it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def now(self) -> float:
        """Return the virtual time."""
        return self._process.kernel.now

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds of virtual time."""
        self._process.sleep(seconds)

    @contextmanager
    def repeating(self, action: Callable[[], None], seconds: float, name: str) -> Iterator[None]:
        """Call an action every `seconds`, in a greenlet of its own, until the `with` block is left."""
        over = Signal(self._process.kernel)

        def repeat() -> None:
            while not self._process.wait_for(over, seconds):
                action()

        self._process.start(repeat)
        try:
            yield
        finally:
            over.set()


class ProcessLocks:
    """Locks on files, which end with the process that holds them."""

    def __init__(self, process: Process, held: dict[Path, Process]) -> None:
        self._process = process
        self._held = held

    def mutex(self) -> AbstractContextManager[None]:
        """Return a lock that is always free: a greenlet keeps control until it waits, and none waits with a mutex."""
        return nullcontext()

    def hold_file(self, path: Path, seconds: float) -> "_Held":
        """Hold a lock between processes; raises `TimeoutError`."""
        give_up_at = self._process.kernel.now + seconds
        while path in self._held and self._held[path].alive:
            if self._process.kernel.now >= give_up_at:
                raise TimeoutError(f"{path} is held by another process")
            self._process.sleep(LOCK_LOOK_SECONDS)
        self._held[path] = self._process
        return _Held(self._held, path, self._process)


class _Held:
    def __init__(self, held: dict[Path, Process], path: Path, process: Process) -> None:
        self._held = held
        self._path = path
        self._process = process

    def __enter__(self) -> None:
        """Hold the lock, which was taken when it was asked for."""

    def __exit__(self, *_: object) -> None:
        if self._held.get(self._path) is self._process:
            del self._held[self._path]


class Machine:
    """A disk that outlives processes, and what may go wrong with it.

    Args:
        name: of the party that runs on it.
        choices: decide what a loss of power leaves on the disk.

    Attributes:
        process: the one that runs here, or ran last.
        disk: keeps files over all lives.
    """

    def __init__(self, name: str, choices: Choices) -> None:
        self.name = name
        self.process: Process | None = None
        self.disk = MemoryDisk(self._before_change)
        self._choices = choices
        self._locks: dict[Path, Process] = {}
        self._lives = 0
        self._losing_power: tuple[int, Callable[[], None]] | None = None
        self._failing: list[tuple[str, int, Callable[[], object]]] = []
        self._crashes = 0

    def runtime_for(self, process: Process) -> Runtime:
        """Return what a new process takes from this machine."""
        self.process = process
        self._lives += 1
        entropy = SeededEntropy(self._choices.number("entropy", self.name, self._lives))
        return Runtime(ProcessClock(process), entropy, self.disk, ProcessLocks(process, self._locks))

    def lose_power(self) -> None:
        """Lose what the disk had not been made to keep; the process must have been killed before."""
        self._crashes += 1
        count = 0

        def choose(outcomes: int) -> int:
            nonlocal count
            count += 1
            return self._choices.below(outcomes, "power", self.name, self._crashes, count)

        self.disk.crash(choose)

    def lose_power_before(self, change: int, lose: Callable[[], None]) -> None:
        """Lose power before a change of the disk, counted from 1.

        Args:
            change: which of the changes from now on.
            lose: called in the kernel's own greenlet; it kills the process.
        """
        self._losing_power = (change, lose)

    def fail(self, change: str, error: int, tell: Callable[[], object]) -> None:
        """Let the next change of a kind fail, once.

        Args:
            change: "write", "sync", "rename", "sync folder", or another that `MemoryDisk` knows.
            error: an `errno`.
            tell: called when it has failed.
        """
        self._failing.append((change, error, tell))

    def _before_change(self, change: str, path: Path) -> None:
        process = self.process
        assert process is not None
        process.must_live()
        for failing in self._failing:
            if failing[0] == change:
                self._failing.remove(failing)
                failing[2]()
                raise OSError(failing[1], os.strerror(failing[1]), str(path))
        if self._losing_power is not None:
            left, lose = self._losing_power
            if left <= 1:
                self._losing_power = None
                process.kernel.after(0.0, lose)
                process.wait_for(Signal(process.kernel))  # until it is killed
            else:
                self._losing_power = (left - 1, lose)
