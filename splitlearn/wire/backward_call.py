"""A backward call in flight, whose forward pass is resent if the trunk has lost it."""

from collections.abc import Callable

from google.protobuf.message import Message

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.reliable import ReliableCall, ReliableCalls
from splitlearn.wire.trunk_link import BackwardResult

__all__ = ["BackwardCall"]


class BackwardCall:
    """A `Pending` result of a backward pass.

    Args:
        calls: reach the trunk.
        request: sent at once.
        forward: the request of the microbatch's forward pass.
        read: extracts the answer from a reply.
    """

    def __init__(
        self,
        calls: ReliableCalls,
        request: pb.BackwardRequest,
        forward: pb.ComputeRequest,
        read: Callable[[Message], BackwardResult],
    ) -> None:
        self._calls = calls
        self._request = request
        self._forward = forward
        self._read = read
        self._call = self._sent()

    def result(self) -> BackwardResult:
        """Wait for the answer; raises `WireError`."""
        # Each of the step's other requests in flight may push the input out once more.
        for _ in range(self._request.key.microbatches):
            try:
                return self._call.result()
            except WireError as error:
                if error.reason is not Reason.FORWARD_NEEDED:
                    raise
            self._calls.call("Compute", self._forward, _unread, len(self._forward.smashed.data)).result()
            self._call = self._sent()
        return self._call.result()

    def _sent(self) -> ReliableCall[Message, BackwardResult]:
        return self._calls.call("Backward", self._request, self._read, len(self._request.features_grad.data))


def _unread(_reply: Message) -> None:
    """Ignore the reply."""
