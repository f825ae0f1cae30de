"""A client's transport through the simulated network, with a connection as gRPC keeps one."""

from collections.abc import Callable, Iterator

from harness.sim.network import CONNECT_SECONDS, InFlight, SimConnection, SimNetwork
from harness.sim.process import Process
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.trunk_link import Pending

__all__ = ["SimTransport"]


class SimTransport:
    """Carries a process's requests.

    Args:
        process: whose transport it is; it ends with it.
        network: carries them.
        on_state: called with the name of every state of the connection, in a greenlet of the process.
    """

    def __init__(self, process: Process, network: SimNetwork, on_state: Callable[[str], None]) -> None:
        self._process = process
        self._network = network
        self._on_state = on_state
        self._connection: SimConnection | None = None
        process.on_gone(self._abandon)

    def call(self, method: str, request: bytes, timeout: float) -> Pending[bytes]:
        """Send a request; the reply is due within `timeout` seconds."""
        return _Call(self._process, self._send(method, request, timeout))

    def stream(self, method: str, request: bytes, timeout: float) -> Iterator[bytes]:
        """Send a request that has many replies; raises `WireError` while iterating."""
        call = self._send(method, request, timeout)
        return iter(_Replies(self._process, call))

    def renew(self) -> None:
        """Replace the connection; calls in flight fail."""
        self._hang_up("the connection was given up")

    def close(self) -> None:
        """Close the connection."""
        self._hang_up("the connection was closed")

    def _send(self, method: str, request: bytes, timeout: float) -> InFlight:
        self._process.must_live()
        kernel = self._process.kernel
        call = self._network.new_call(self._process, method, request)
        call.deadline = kernel.after(timeout, lambda: self._miss_deadline(call))
        if self._connection is None:
            self._dial()
        if self._connection is None:
            refusal = WireError(Reason.TRANSPORT, "nobody accepts the connection", Code.UNAVAILABLE)
            kernel.after(CONNECT_SECONDS, lambda: call.finish(refusal, kernel.now))
        else:
            self._network.send(self._connection, call)
        return call

    def _dial(self) -> None:
        self._connection = self._network.dial(self._closed)
        self._tell("READY" if self._connection else "TRANSIENT_FAILURE")

    def _closed(self) -> None:
        self._connection = None
        self._tell("IDLE")

    def _abandon(self) -> None:
        if self._connection is not None:
            self._network.close(self._connection)

    def _hang_up(self, why: str) -> None:
        if self._connection is None or not self._process.alive:
            return
        calls, connection, self._connection = list(self._connection.calls), self._connection, None
        self._network.close(connection)
        for call in calls:
            call.finish(WireError(Reason.TRANSPORT, why, Code.CANCELLED), self._process.kernel.now)

    def _tell(self, state: str) -> None:
        """Tell a state as gRPC does: from a thread of its own."""
        if self._process.alive:
            self._process.start(lambda: self._on_state(state))

    def _miss_deadline(self, call: InFlight) -> None:
        call.cancelled = True
        late = WireError(Reason.TRANSPORT, "the deadline has passed", Code.DEADLINE_EXCEEDED)
        call.finish(late, self._process.kernel.now)


class _Call:
    """A request that has one reply."""

    def __init__(self, process: Process, call: InFlight) -> None:
        self._process = process
        self._call = call

    def result(self) -> bytes:
        (reply,) = _Replies(self._process, self._call)
        return reply


class _Replies:
    """Waits for all replies together."""

    def __init__(self, process: Process, call: InFlight) -> None:
        self._process = process
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        self._process.wait_for(self._call.done)
        answer = self._call.answer
        assert answer is not None
        if isinstance(answer, WireError):
            raise answer
        yield from answer
