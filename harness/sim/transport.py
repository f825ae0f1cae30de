"""A client's transport over the simulated network, which manages its connection the way a gRPC channel does."""

from collections.abc import Callable, Iterator

from harness.sim.connection import SimConnection
from harness.sim.in_flight import InFlight
from harness.sim.network import CONNECT_SECONDS, SimNetwork
from harness.sim.process import Process
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.trunk_link import Pending

__all__ = ["SimTransport"]


class SimTransport:
    """Sends a process's requests over the simulated network.

    Args:
        process: the client's process; when it ends, the connection is closed.
        network: the network to the trunk.
        on_state: called in a greenlet of the process with the name of each gRPC connectivity state entered.
    """

    def __init__(self, process: Process, network: SimNetwork, on_state: Callable[[str], None]) -> None:
        self._process = process
        self._network = network
        self._on_state = on_state
        self._connection: SimConnection | None = None
        process.on_gone(self._abandon)

    def call(self, method: str, request: bytes, timeout: float) -> Pending[bytes]:
        """Send a request whose reply is due within `timeout` virtual seconds.

        Returns:
            A pending reply, whose `result` raises `WireError` if the request fails.
        """
        return _Call(self._process, self._send(method, request, timeout))

    def stream(self, method: str, request: bytes, timeout: float) -> Iterator[bytes]:
        """Send a request with many replies, due within `timeout` virtual seconds; iterating may raise `WireError`."""
        call = self._send(method, request, timeout)
        return iter(_Replies(self._process, call))

    def renew(self) -> None:
        """Close the connection, failing requests in flight; the next request opens a new one."""
        self._hang_up("the connection was given up")

    def close(self) -> None:
        """Close the connection, failing requests in flight."""
        self._hang_up("the connection was closed")

    def _send(self, method: str, request: bytes, timeout: float) -> InFlight:
        self._process.must_live()
        kernel = self._process.kernel
        call = self._network.new_call(self._process, method, request)
        call.deadline = kernel.after(timeout, lambda: self._miss_deadline(call))
        if self._connection is None:
            self._dial()
        if self._connection is None:
            refusal = WireError(Reason.TRANSPORT, "the connection was refused", Code.UNAVAILABLE)
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
        """Report a connectivity state in a separate greenlet, as gRPC does in a separate thread."""
        if self._process.alive:
            self._process.start(lambda: self._on_state(state))

    def _miss_deadline(self, call: InFlight) -> None:
        call.cancelled = True
        late = WireError(Reason.TRANSPORT, "the deadline has passed", Code.DEADLINE_EXCEEDED)
        call.finish(late, self._process.kernel.now)


class _Call:
    """The pending reply of a request with one reply."""

    def __init__(self, process: Process, call: InFlight) -> None:
        self._process = process
        self._call = call

    def result(self) -> bytes:
        (reply,) = _Replies(self._process, self._call)
        return reply


class _Replies:
    """Yields the replies of a request once all of them have arrived."""

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
