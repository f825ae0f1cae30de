"""gRPC in, the protocol out: one thread computes, errors become status codes."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from splitlearn.trunk.service import TrunkService
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.compute_service_pb2_grpc import ComputeServiceServicer
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.grpc_transport import ERROR_DOMAIN

__all__ = ["TrunkServicer"]

log = logging.getLogger(__name__)

Q = TypeVar("Q")
R = TypeVar("R")


class TrunkServicer(ComputeServiceServicer):
    """The RPCs of `ComputeService`.

    Args:
        service: the protocol.
        compute: an executor of exactly one thread, which makes every call of the service.
    """

    def __init__(self, service: TrunkService, compute: Executor) -> None:
        self._service = service
        self._compute = compute

    def OpenSession(self, request: pb.OpenSessionRequest, context: grpc.ServicerContext) -> pb.OpenSessionReply:  # noqa: N802 - gRPC's name
        """Start or resume a session."""
        return self._run(self._service.open_session, request, context)

    def Compute(self, request: pb.ComputeRequest, context: grpc.ServicerContext) -> pb.ComputeReply:  # noqa: N802 - gRPC's name
        """Forward pass of one microbatch."""
        return self._run(self._service.compute, request, context)

    def Backward(self, request: pb.BackwardRequest, context: grpc.ServicerContext) -> pb.BackwardReply:  # noqa: N802 - gRPC's name
        """Backward pass of one microbatch."""
        return self._run(self._service.backward, request, context)

    def GetGradients(self, request: pb.GetGradientsRequest, context: grpc.ServicerContext) -> Iterator[pb.Gradient]:  # noqa: N802 - gRPC's name
        """The accumulated gradients of the step in progress."""
        # All at once, so that the step cannot move on in the middle of the stream.
        yield from self._run(lambda asked: list(self._service.get_gradients(asked)), request, context)

    def SyncTrainingState(  # noqa: N802 - gRPC's name
        self, request: pb.SyncTrainingStateRequest, context: grpc.ServicerContext
    ) -> pb.SyncTrainingStateReply:
        """Commit, save, close, or tell the state."""
        return self._run(self._service.sync_training_state, request, context)

    def _run(self, method: Callable[[Q], R], request: Q, context: grpc.ServicerContext) -> R:
        try:
            return self._compute.submit(self._unless_gone, method, request, context).result()
        except WireError as error:
            _abort(context, error)
        except Exception as error:
            log.exception("a request failed by a bug")
            _abort(context, WireError(Reason.BUG, f"{type(error).__name__}: {error}"))
        raise AssertionError("abort raises")

    @staticmethod
    def _unless_gone(method: Callable[[Q], R], request: Q, context: grpc.ServicerContext) -> R:
        if not context.is_active():
            raise WireError(Reason.TRANSPORT, "the client gave this request up")
        return method(request)


def _abort(context: grpc.ServicerContext, error: WireError) -> None:
    detail = AnyMessage()
    detail.Pack(ErrorInfo(reason=error.reason.value, domain=ERROR_DOMAIN))
    status = Status(code=error.code.value, message=error.message, details=[detail])
    context.abort_with_status(rpc_status.to_status(status))
