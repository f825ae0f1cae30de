"""Turns a method's name and a request's bytes into the replies' bytes, or a `WireError`, for any transport.

There are three parts, because a server has several threads for them: a damaged request is refused without waiting for
the computing thread, and that thread need not wait for replies to be written.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from splitlearn.trunk.service import TrunkService
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.methods import METHODS, Method

__all__ = ["Call", "Dispatch"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """A decoded request.

    Attributes:
        method: the method called.
        request: the message.
        checksum: the request's, from which its reply's continues.
    """

    method: Method
    request: Message
    checksum: int


class Dispatch:
    """The methods of a trunk's service as bytes.

    Args:
        service: the protocol.
    """

    def __init__(self, service: TrunkService) -> None:
        self.service = service

    def __call__(self, method: str, request: bytes) -> list[bytes]:
        """Answer a request; several replies form a stream.

        Not thread-safe: one thread makes every call.

        Raises:
            WireError: the request is refused, or could not be carried out because of a bug.
        """
        call = self.read(method, request)
        return [*self.write(call, self.carry_out(call))]

    def read(self, method: str, request: bytes) -> Call:
        """Check a request's checksum and decode it, in any thread; raises `WireError`."""
        if method not in METHODS:
            raise WireError(Reason.TRANSPORT, f"there is no method {method!r}", Code.UNIMPLEMENTED)
        return Call(METHODS[method], METHODS[method].read_request(request), checksum_of(request))

    def carry_out(self, call: Call) -> Sequence[Message]:
        """Call the service, in the computing thread; raises `WireError`, even for a bug."""
        try:
            return self._answer(call.request)
        except WireError:
            raise
        except Exception as error:  # any bug: the client must get an answer, and the trunk must keep serving
            log.exception("a request failed by a bug")
            raise WireError(Reason.BUG, f"{type(error).__name__}: {error}") from None

    def write(self, call: Call, replies: Sequence[Message]) -> Iterator[bytes]:
        """Encode the replies to a request with their checksums, lazily, in any thread."""
        return call.method.write_replies(replies, call.checksum)

    def _answer(self, request: Message) -> Sequence[Message]:
        match request:
            case pb.OpenSessionRequest():
                return [self.service.open_session(request)]
            case pb.ComputeRequest():
                return [self.service.compute(request)]
            case pb.BackwardRequest():
                return [self.service.backward(request)]
            case pb.GetGradientsRequest():
                # All at once, so that the step cannot advance in the middle of the stream.
                return [*self.service.get_gradients(request)]
            case pb.SyncTrainingStateRequest():
                return [self.service.sync_training_state(request)]
        raise AssertionError(f"nobody answers a {type(request).__name__}")
