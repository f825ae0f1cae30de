"""The simulated network between clients and trunk: how requests and answers travel, and network faults."""

from collections.abc import Callable
from functools import partial

from harness.errors import HarnessError
from harness.plan.faults.toxic import Stream, Toxic
from harness.plan.link_toxics import toxics_of
from harness.plan.links import LinkProfile
from harness.sim.choices import Choices
from harness.sim.connection import Listener, SimConnection
from harness.sim.in_flight import Answer, InFlight
from harness.sim.kernel import Kernel, Signal
from harness.sim.process import Process
from harness.sim.stream import Passing, SimStream
from splitlearn.wire.errors import Code, Reason, WireError

__all__ = ["CONNECT_SECONDS", "SimNetwork"]

CONNECT_SECONDS = 0.001
LONGEST_CONNECT_SECONDS = 0.5
# A request of a broken connection may arrive up to this many doublings of a millisecond later.
LATEST = 9


class SimNetwork:
    """The network path to one trunk, shared by any number of clients.

    Args:
        kernel: schedules deliveries.
        choices: decide delays, and which requests in flight still arrive after their connection has broken.
        link: delay and bandwidth of the path.

    Attributes:
        calls: every request sent so far.
    """

    def __init__(self, kernel: Kernel, choices: Choices, link: LinkProfile) -> None:
        self._kernel = kernel
        self._choices = choices
        self._streams: dict[Stream, SimStream] = {
            "upstream": SimStream(kernel, choices, "upstream"),
            "downstream": SimStream(kernel, choices, "downstream"),
        }
        self._is_up = True
        self._listener: Listener | None = None
        self._connections: list[SimConnection] = []
        self._dialled = 0
        self.calls: list[InFlight] = []
        for toxic in toxics_of(link):
            self.add(toxic)

    @property
    def is_served(self) -> bool:
        """Whether a trunk is listening."""
        return self._listener is not None

    def listen(self, listener: Listener | None) -> None:
        """Replace the listener, None for none, and close all connections to the previous one."""
        self._listener = listener
        self._close_all()

    def disconnect(self) -> None:
        """Close every connection and refuse new ones until `reconnect`."""
        self._is_up = False
        self._close_all()

    def reconnect(self) -> None:
        """Accept new connections again."""
        self._is_up = True

    def swallow(self) -> int:
        """Let the connections that are open swallow everything from now on; return how many there are.

        Raises:
            HarnessError: there is none.
        """
        carrying = [connection for connection in self._connections if connection.carries]
        if not carrying:
            raise HarnessError("no connection is open")
        for connection in carrying:
            connection.swallows = True
        return len(carrying)

    def add(self, toxic: Toxic) -> None:
        """Add a toxic to its stream."""
        self._streams[toxic.stream].add(toxic)

    def remove(self, toxic: Toxic) -> None:
        """Remove a toxic from its stream."""
        self._streams[toxic.stream].remove(toxic.name)

    def dial(self, on_closed: Callable[[], None]) -> SimConnection | None:
        """Return a new connection; None if the network is down or no trunk is listening."""
        if not self._is_up or self._listener is None:
            return None
        self._dialled += 1
        made = SimConnection(self._dialled, self._listener, on_closed)
        made.up = Passing(made.number, lambda: made.carries, lambda delay: self._cut(made, delay))
        made.down = Passing(made.number, lambda: made.carries, lambda delay: self._cut(made, delay))
        # Most connections are established at once, a few take up to half a second; requests wait for theirs.
        late = self._choices.share("connecting", made.number) ** 8
        made.up.clear_at = self._kernel.now + CONNECT_SECONDS + LONGEST_CONNECT_SECONDS * late
        self._connections.append(made)
        return made

    def new_call(self, process: Process, method: str, request: bytes) -> InFlight:
        """Create and record a request of a process; it is not sent yet."""
        call = InFlight(
            len(self.calls) + 1, process.name, method, request, Signal(self._kernel), sent_at=self._kernel.now
        )
        self.calls.append(call)
        return call

    def send(self, connection: SimConnection, call: InFlight) -> None:
        """Send a request over a connection, over which its answer will return."""
        connection.calls.append(call)

        def deliver() -> None:
            self._deliver(connection, call, lambda answer: self._reply(connection, call, answer))

        self._streams["upstream"].send(connection.up, len(call.request), deliver)

    def forget_connections(self) -> None:
        """Leave every request as it is: the run is over, and nobody hears of what closes now."""
        for connection in self._connections:
            connection.calls.clear()
        self._connections.clear()

    def close(self, connection: SimConnection) -> None:
        """Close a connection from the client's side, without calling its `on_closed`."""
        self._drop(connection)

    def _deliver(self, connection: SimConnection, call: InFlight, answer: Callable[[Answer], None]) -> None:
        if self._listener is connection.listener and not (call.cancelled or call.arrived):
            call.arrived, call.arrived_at = True, self._kernel.now
            connection.listener.arrived(call, answer)

    def _reply(self, connection: SimConnection, call: InFlight, answer: Answer) -> None:
        if not connection.is_open:
            return
        nbytes = sum(map(len, answer)) if isinstance(answer, list) else 0

        def deliver() -> None:
            connection.calls.remove(call)
            call.finish(answer, self._kernel.now)

        if call in connection.calls:
            self._streams["downstream"].send(connection.down, nbytes, deliver)

    def _cut(self, connection: SimConnection, delay: float) -> None:
        self._kernel.after(delay, lambda: self._break(connection) if connection.is_open else None)

    def _break(self, connection: SimConnection) -> None:
        if connection.swallows:
            return  # the client does not hear of it
        calls = list(connection.calls)
        self._drop(connection)
        for call in calls:
            closed = WireError(Reason.TRANSPORT, "the connection was closed", Code.UNAVAILABLE)
            call.finish(closed, self._kernel.now)
        connection.on_closed()

    def _drop(self, connection: SimConnection) -> None:
        """Close a connection; some requests in flight, as drawn, still reach the trunk, but no answer returns."""
        connection.is_open = False
        if connection in self._connections:
            self._connections.remove(connection)
        for call in connection.calls:
            if not connection.swallows and self._choices.below(2, "arrives all the same", call.number):
                # Soon, or when the client has long sent it again: whatever lies between may have kept it.
                delay = 0.001 * 2 ** self._choices.below(LATEST, "arrives late", call.number)
                self._kernel.after(delay, partial(self._deliver, connection, call, lambda _answer: None))
            else:
                call.cancelled = True
        connection.calls.clear()

    def _close_all(self) -> None:
        for connection in list(self._connections):
            self._break(connection)
