"""Opens a client's session, taking it over from another client or reopening it if necessary."""

from typing import cast

from google.protobuf.message import Message

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.conversation import Conversation
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.reliable import ReliableCalls
from splitlearn.wire.trunk_link import Hello

__all__ = ["Opener"]

# How many other clients may open the session between two attempts of this one.
MAX_TAKEOVERS = 3


class Opener:
    """Requests the session, and requests it again if its holder may be replaced.

    Args:
        calls: reach the trunk.
        conversation: begun when the session has been opened.
        codec: coding of the tensors that cross the cuts, in both directions.
    """

    def __init__(self, calls: ReliableCalls, conversation: Conversation, codec: str) -> None:
        self._calls = calls
        self._conversation = conversation
        self._codec = codec
        self._openings = 0

    def open(self, hello: Hello) -> pb.OpenSessionReply:
        """Open the session; raises `WireError` naming the setting that differs, or the session's holder.

        The first time, it is taken over from its holder if that client is silent or the greeting says so; later only
        from this client itself, whose own delayed request may have opened it.
        """
        if self._openings and not self._conversation.session_id:
            self._calls.transport.renew()  # it was hung up
        self._openings += 1
        request = self._request(hello)
        for _ in range(MAX_TAKEOVERS):
            try:
                return self._ask(request)
            except WireError as error:
                if error.reason is not Reason.SESSION_HELD:
                    raise
                request.replaces = self._replaceable(error, hello)
        return self._ask(request)

    def _request(self, hello: Hello) -> pb.OpenSessionRequest:
        return pb.OpenSessionRequest(
            session_id=hello.session_id,
            agreement=hello.agreement,
            resume_steps=hello.resume_steps,
            resume_session_id=hello.resume_session_id,
            reader=hello.reader,
            client=self._conversation.client,
            opening=self._openings,
            replaces=self._conversation.incarnation,
            codec=self._codec,
        )

    def _replaceable(self, error: WireError, hello: Hello) -> int:
        """Return the incarnation that holds the session, if this client may replace it; else raises `WireError`."""
        # A trunk that knows no holder uses a different folder than before.
        others = error.details["client"] not in ("", self._conversation.client)
        if others and self._conversation.incarnation:
            raise WireError(Reason.STALE_INCARNATION, error.message) from None
        if others and "silent" in error.details and not hello.take_over:
            raise error
        return int(error.details["incarnation"])

    def _ask(self, request: pb.OpenSessionRequest) -> pb.OpenSessionReply:
        def read(reply: Message) -> pb.OpenSessionReply:
            message = cast("pb.OpenSessionReply", reply)
            if not message.incarnation or message.applied_step not in (0, *request.resume_steps):
                said = f"incarnation {message.incarnation} at step {message.applied_step}"
                raise WireError(Reason.TRANSPORT, f"the trunk opened {said}, which was not asked for", Code.DATA_LOSS)
            return message

        reply = self._calls.call("OpenSession", request, read).result()
        self._conversation.session_id, self._conversation.incarnation = request.session_id, reply.incarnation
        return reply
