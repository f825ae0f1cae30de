"""Keeps a client's session alive while it computes for long without a call."""

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.conversation import Conversation
from splitlearn.wire.errors import Code, WireError
from splitlearn.wire.reliable import ReliableCalls
from splitlearn.wire.trunk_link import Position

__all__ = ["BEAT_SECONDS", "Heartbeat"]

# The trunk closes a connection with nothing in flight for 20 s. A silence may last twice this.
BEAT_SECONDS = 5.0
# How a beat ends at a trunk that is busy or full, or when this side closes the connection.
SAYS_NOTHING = (Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.CANCELLED)


class Heartbeat:
    """Queries the state of a conversation's session after a silence.

    Args:
        calls: reach the trunk.
        conversation: the one that must not fall silent.
    """

    def __init__(self, calls: ReliableCalls, conversation: Conversation) -> None:
        self._calls = calls
        self._conversation = conversation

    def beat(self) -> None:
        """Tell the trunk that this client is alive, if it has been silent for a while; thread-safe.

        The next call finds out anything that the answer could say. It is awaited because gRPC cancels a call that
        nobody holds, and outside the lock because hanging up, which ends the call, must not wait for it.
        """
        with self._conversation.speaking:
            if not self._conversation.session_id or self._conversation.silent_seconds < BEAT_SECONDS:
                return
            key = self._conversation.key(Position(0, 0, 1))
            request = pb.SyncTrainingStateRequest(key=key, action=pb.SyncTrainingStateRequest.ACTION_QUERY)
            answer = self._calls.attempt("SyncTrainingState", request, self._calls.policy.timeout)
        try:
            answer.result()
        except WireError as error:
            self._note_failure(error)
        else:
            self._calls.answered()

    def _note_failure(self, error: WireError) -> None:
        """Replace the connection after a few failures in a row: its memory of headers can be wrong permanently.

        A trunk that is late or refuses is alive. It may be busy with a call of this client, which must not be cut off.
        """
        if not error.blames_connection:
            self._calls.answered()
        elif error.code not in SAYS_NOTHING:
            with self._conversation.speaking:
                if self._conversation.session_id:
                    self._calls.doubt_connection(error)
