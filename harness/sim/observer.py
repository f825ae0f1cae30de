"""Records the events of a simulated world in order, stops processes at breakpoints, and waits for conditions."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from harness.sim.kernel import Kernel, Signal, Timer
from harness.sim.process import Process
from harness.trace.event import Event
from harness.trace.place import At

__all__ = ["Seeker", "SimObserver", "SimProbe"]

NO_FIELDS: Mapping[str, object] = MappingProxyType({})


@dataclass(eq=False)
class _Hold:
    at: At
    left: int


@dataclass(eq=False)
class _Watcher:
    holds: Callable[[], bool]
    then: Callable[[], object]
    deadline: Timer


class Seeker:
    """An incremental search for an event: repeated calls of `find` examine each event only once."""

    def __init__(self, events: Sequence[Event], at: At, start: int, fields: Mapping[str, object]) -> None:
        self._events = events
        self._at = at
        self._next = start
        self._fields = fields
        self._found: Event | None = None

    def find(self) -> Event | None:
        """Return the first matching event; None if there is none yet."""
        while self._found is None and self._next < len(self._events):
            event = self._events[self._next]
            self._next += 1
            if event.point == self._at.point and self._at.matches(event) and event.tells(self._fields):
                self._found = event
        return self._found


class SimObserver:
    """Receives the points that all processes pass.

    Args:
        kernel: provides the virtual time.
        holds: breakpoints; a process is held at each of them once.
        on_event: called with every event.
        on_held: called in the kernel's greenlet with each event at which a process is held; `event.release` resumes it.

    Attributes:
        events: all events so far.
    """

    def __init__(
        self,
        kernel: Kernel,
        holds: Iterable[At],
        on_event: Callable[[Event], None],
        on_held: Callable[[Event], None],
    ) -> None:
        self.events: list[Event] = []
        self._kernel = kernel
        self._holds: dict[str, list[_Hold]] = defaultdict(list)
        for at in holds:
            self._holds[at.point].append(_Hold(at, at.occurrence))
        self._on_event = on_event
        self._on_held = on_held
        self._watchers: list[_Watcher] = []

    def note(self, source: str, point: str, party: str = "", step: int | None = None, **fields: object) -> Event:
        """Append an event of the harness or the network to the trace, and return it."""
        return self._add(Event(len(self.events), self._kernel.now, source, party, point, step, None, fields))

    def pass_point(
        self, process: Process, name: str, step: int | None, microbatch: int | None, fields: dict[str, object]
    ) -> None:
        """Record that a process passes a point; if there is a breakpoint, block until the process is released."""
        release = Signal(self._kernel)
        hold = self._take_hold(process.name, name, step, microbatch)
        event = self._add(
            Event(
                len(self.events),
                self._kernel.now,
                name.partition(".")[0],
                process.name,
                name,
                step,
                microbatch,
                fields,
                release.set if hold else None,
            )
        )
        if hold:
            self._kernel.after(0.0, lambda: self._on_held(event))
            process.wait_for(release)

    def when(
        self,
        holds: Callable[[], bool],
        within: float,
        then: Callable[[], object],
        otherwise: Callable[[], object],
    ) -> None:
        """Call `then` once a condition holds, or `otherwise` if it does not hold in time.

        Args:
            holds: the condition; evaluated now, after every event, and on every call of `look`.
            within: timeout in virtual seconds.
            then: called in the kernel's greenlet.
            otherwise: called in the kernel's greenlet.
        """

        def give_up() -> None:
            self._watchers.remove(watcher)
            otherwise()

        watcher = _Watcher(holds, then, self._kernel.after(within, give_up))
        self._watchers.append(watcher)
        self.look()

    def look(self) -> None:
        """Re-evaluate all pending conditions; to be called after a state change that records no event."""
        for watcher in list(self._watchers):
            if watcher in self._watchers and watcher.holds():
                self._watchers.remove(watcher)
                watcher.deadline.cancel()
                self._kernel.after(0.0, watcher.then)

    def seeker(self, at: At, after: int = -1, fields: Mapping[str, object] = NO_FIELDS) -> Seeker:
        """Return a search for the first event at a place that is numbered above `after` and has these fields."""
        return Seeker(self.events, at, after + 1, fields)

    def _take_hold(self, party: str, point: str, step: int | None, microbatch: int | None) -> bool:
        """Count the passing of a point, and return whether the process is held there."""
        holds = self._holds.get(point)
        if not holds or party not in ("client", "trunk"):
            return False
        covering = [hold for hold in holds if hold.at.covers(point, step, microbatch)]
        for hold in covering:
            hold.left -= 1
        due = [hold for hold in covering if hold.left <= 0]
        # If several are due at once, the others become due at the next passing.
        for hold in due[1:]:
            hold.left = 1
        if due:
            holds.remove(due[0])
        return bool(due)

    def _add(self, event: Event) -> Event:
        self.events.append(event)
        self._on_event(event)
        if self._watchers:
            self.look()
        return event


class SimProbe:
    """A process's probe, which reports to the observer."""

    def __init__(self, process: Process, observer: SimObserver) -> None:
        self._process = process
        self._observer = observer

    def point(self, name: str, step: int | None = None, microbatch: int | None = None, **fields: object) -> None:
        """Report that the process passes a point; blocks while it is held there."""
        self._process.must_live()
        self._observer.pass_point(self._process, name, step, microbatch, fields)
