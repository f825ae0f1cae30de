"""Who speaks to the trunk, in which session, and when it last did."""

from splitlearn.runtime import Runtime
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.messages import key_message
from splitlearn.wire.reliable import ReliableCalls
from splitlearn.wire.trunk_link import Position

__all__ = ["Conversation"]


class Conversation:
    """One client's side of a session, kept by its training thread and its heartbeat.

    Args:
        calls: provide the clock, and the transport to hang up.
        runtime: provides the client's name and the lock.

    Attributes:
        client: the name of this process.
        session_id: of the open session; empty if there is none.
        incarnation: the last that the trunk assigned; 0 before the first.
        speaking: held by other threads that use the connection, which is hung up only while nobody does.
    """

    def __init__(self, calls: ReliableCalls, runtime: Runtime) -> None:
        self.client = runtime.entropy.unique_name()
        self.session_id = ""
        self.incarnation = 0
        self.speaking = runtime.locks.mutex()
        self._calls = calls
        self._spoke = calls.clock.now()

    @property
    def silent_seconds(self) -> float:
        """Seconds since the last request was made."""
        return self._calls.clock.now() - self._spoke

    def key(self, at: Position) -> pb.Key:
        """Return the key of a request that is about to be sent."""
        self._spoke = self._calls.clock.now()
        return key_message(self.session_id, self.incarnation, at)

    def hang_up(self) -> None:
        """Close the connection until the session is opened again."""
        with self.speaking:
            self.session_id = ""
            self._calls.transport.close()
