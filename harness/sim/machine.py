"""A simulated machine: the clock, entropy, disk and file locks that it provides to its processes."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from harness.sim.choices import Choices
from harness.sim.kernel import Signal
from harness.sim.process import Process
from splitlearn.runtime import Runtime
from splitlearn.runtime.simulated import MemoryDisk, SeededEntropy

__all__ = ["Machine", "ProcessClock"]

LOCK_LOOK_SECONDS = 0.01
# Of a machine's clock: seconds by which it may be ahead, and by how much in a second it may run fast.
MOST_OFFSET, MOST_DRIFT = 1e6, 0.01


class ProcessClock:
    """A machine's clock, as one process sees it.

    Args:
        process: the process.
        offset: what the clock showed when the virtual time began, in seconds.
        rate: its seconds in a virtual second.
    """

    def __init__(self, process: Process, offset: float = 0.0, rate: float = 1.0) -> None:
        self._process = process
        self._offset = offset
        self._rate = rate

    def now(self) -> float:
        """Return the clock's time in seconds."""
        return self._offset + self._rate * self._process.kernel.now

    def sleep(self, seconds: float) -> None:
        """Sleep for some seconds of this clock."""
        self._process.sleep(seconds / self._rate)

    @contextmanager
    def repeating(self, action: Callable[[], None], seconds: float, name: str) -> Iterator[None]:
        """Call an action every `seconds` of this clock, in its own greenlet, until the `with` block exits."""
        over = Signal(self._process.kernel)

        def repeat() -> None:
            while not self._process.wait_for(over, seconds / self._rate):
                action()

        self._process.start(repeat)
        try:
            yield
        finally:
            over.set()


class ProcessLocks:
    """The locks of one process; file locks are released when the process that holds them ends."""

    def __init__(self, process: Process, held: dict[Path, Process]) -> None:
        self._process = process
        self._held = held

    def mutex(self) -> AbstractContextManager[None]:
        """Return a no-op lock: greenlets switch only where they wait, and none waits while it holds a mutex."""
        return nullcontext()

    def hold_file(self, path: Path, seconds: float) -> "_Held":
        """Acquire a lock file; raises `TimeoutError` if it is still held after `seconds` of virtual time."""
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
        """Do nothing: the lock was acquired by `hold_file`."""

    def __exit__(self, *_: object) -> None:
        if self._held.get(self._path) is self._process:
            del self._held[self._path]


@dataclass(eq=False)
class _Failing:
    changes: tuple[str, ...]
    error: int
    left: int
    tell: Callable[[str], object]


class Machine:
    """A machine whose disk outlives its processes, and can fail or lose power.

    Args:
        name: name of the party that runs on it.
        choices: decide what its clock shows, and which unsynced changes survive a power loss.

    Attributes:
        disk: the files, kept across processes.
    """

    def __init__(self, name: str, choices: Choices) -> None:
        self.name = name
        self.disk = MemoryDisk(self._before_change)
        self._choices = choices
        self._locks: dict[Path, Process] = {}
        self._processes: list[Process] = []
        self._losing_power: tuple[int, Callable[[], None]] | None = None
        self._failing: list[_Failing] = []
        self._crashes = 0
        # What the altered files were altered to, by path.
        self._altered: dict[Path, bytes] = {}

    def runtime_for(self, process: Process) -> Runtime:
        """Return the runtime (clock, entropy, disk, locks) of a new process on this machine."""
        self._processes.append(process)
        life = len(self._processes)
        # 0 in a calm world, in which two processes must not have the same random name either.
        drawn = self._choices.number("entropy", self.name, life) or zlib.crc32(f"{self.name} {life}".encode())
        # No two machines' clocks agree, and a calm world's show the virtual time.
        offset = MOST_OFFSET * self._choices.share("clock's offset", self.name)
        clock = ProcessClock(process, offset, 1 + MOST_DRIFT * self._choices.share("clock's drift", self.name))
        return Runtime(clock, SeededEntropy(drawn), self.disk, ProcessLocks(process, self._locks))

    def lose_power(self) -> None:
        """Drop a random selection of unsynced changes from the disk; the process must have been killed."""
        self._crashes += 1
        self._losing_power = None  # a machine without power loses it no second time
        count = 0

        def choose(outcomes: int) -> int:
            nonlocal count
            count += 1
            return self._choices.below(outcomes, "power", self.name, self._crashes, count)

        self.disk.crash(choose)

    def lose_power_before(self, change: int, lose: Callable[[], None]) -> None:
        """Lose power before a later change of the disk.

        Args:
            change: number of the change, counted from now on; 1 is the next.
            lose: called in the kernel's greenlet; must kill the process.
        """
        self._losing_power = (change, lose)

    def keep_power(self) -> None:
        """Forget a power loss before a later change."""
        self._losing_power = None

    def _lose_power_unless_kept(self, kept: Signal) -> None:
        if self._losing_power is None:
            kept.set()
        else:
            _, lose = self._losing_power
            lose()

    def fail(self, changes: tuple[str, ...], error: int, times: int, tell: Callable[[str], object]) -> None:
        """Make the next changes of some kinds fail.

        Args:
            changes: "write", "sync", "rename", "sync folder", or other kinds that `MemoryDisk` knows.
            error: the `errno` of the `OSError` raised.
            times: how many changes fail.
            tell: called with the kind of each change that fails.
        """
        self._failing.append(_Failing(changes, error, times, tell))

    def alter(self, path: Path, bit: int) -> None:
        """Alter a bit of a file at rest.

        Args:
            path: the file.
            bit: which bit, counted from the file's end, and from there on again if the file has fewer.
        """
        data = bytearray(self.disk.read(path))
        data[-1 - bit // 8 % len(data)] ^= 1 << bit % 8
        self._altered[path] = bytes(data)
        self.disk.alter(path, bytes(data))

    def is_altered(self, path: Path) -> bool:
        """Return whether a file has the contents that it was altered to."""
        return self._altered.get(path) == self.disk.read(path)

    def _before_change(self, change: str, path: Path) -> None:
        process = next(each for each in reversed(self._processes) if each.is_current)
        process.must_live()
        for failing in self._failing:
            if change in failing.changes:
                failing.left -= 1
                if not failing.left:
                    self._failing.remove(failing)
                failing.tell(change)
                raise OSError(failing.error, os.strerror(failing.error), str(path))
        if self._losing_power is not None:
            left, lose = self._losing_power
            if left <= 1:
                kept = Signal(process.kernel)
                process.kernel.after(0.0, lambda: self._lose_power_unless_kept(kept))
                process.wait_for(kept)  # the process is killed here, unless the power is kept at the last moment
            else:
                self._losing_power = (left - 1, lose)
