"""A client that computes for long without a word still says now and then that it is there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.conversation import Conversation
from splitlearn.wire.errors import Code, WireError
from splitlearn.wire.reliable import ReliableCalls
from splitlearn.wire.trunk_link import Position

__all__ = ["BEAT_SECONDS", "Heartbeat", "beating"]

# The trunk closes a connection on which nothing was under way for 20 s. Twice this may pass without a word.
BEAT_SECONDS = 5.0
LEAVING_SECONDS = 1.0
# How a beat ends at a trunk that is busy or full, or when this side gives the connection up.
SAYS_NOTHING = (Code.DEADLINE_EXCEEDED, Code.RESOURCE_EXHAUSTED, Code.CANCELLED)


class Heartbeat:
    """Asks for the state of a conversation's session when nothing was said for a while.

    Args:
        calls: to the trunk.
        conversation: that must not fall silent.
    """

    def __init__(self, calls: ReliableCalls, conversation: Conversation) -> None:
        self._calls = calls
        self._conversation = conversation

    def beat(self) -> None:
        """Let the trunk know that this client is there, when it has not spoken for a while; may be another thread.

        The answer says nothing that the next call does not find out by itself. It is awaited because gRPC cancels a
        call that nobody holds, and outside the lock because hanging up, which ends the call, must not wait for it.
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
        """Have the connection made anew after a few in a row: its memory of earlier headers can be wrong for good.

        A trunk that is late or refuses is there. It may be busy with a call of this very client, which must go on.
        """
        if not error.blames_connection:
            self._calls.answered()
        elif error.code not in SAYS_NOTHING:
            with self._conversation.speaking:
                if self._conversation.session_id:
                    self._calls.doubt_connection(error)


@contextmanager
def beating(beat: Callable[[], None], seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Call `beat` every so many seconds, in a thread of its own, until the block is left."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(seconds):
            beat()

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        # Not longer: the process is about to end, and closes the connection that a beat may be stuck in.
        thread.join(LEAVING_SECONDS)
