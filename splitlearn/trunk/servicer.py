"""gRPC in, the protocol out: one thread computes, errors become status codes."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, wait
from typing import TypeVar

import grpc

from splitlearn.trunk.service import TrunkService
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.compute_service_pb2_grpc import ComputeServiceServicer
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.status import refuse

__all__ = ["TrunkServicer"]

log = logging.getLogger(__name__)

# In seconds. gRPC gives a request without a deadline one that is thousands of years ahead.
FARTHEST_DEADLINE = 86_400.0

Q = TypeVar("Q")
R = TypeVar("R")


class TrunkServicer(ComputeServiceServicer):
    """The RPCs of `ComputeService`.

    Args:
        service: the protocol.
        compute: an executor of exactly one thread, which makes every call of the service.
        time_limit: seconds after which a request that came without a deadline is given up.
    """

    def __init__(self, service: TrunkService, compute: Executor, time_limit: float) -> None:
        self._service = service
        self._compute = compute
        self._time_limit = time_limit

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
        answer = self._compute.submit(self._unless_gone, method, request, context)
        wait([answer], self._time_limit if context.time_remaining() > FARTHEST_DEADLINE else None)
        try:
            if not answer.done():
                limit = f"{self._time_limit:g} s, the trunk's limit for requests without a deadline"
                raise WireError(Reason.TRANSPORT, f"not answered within {limit}", Code.DEADLINE_EXCEEDED)
            return answer.result()
        except WireError as error:
            refuse(context, error)
        except Exception as error:
            log.exception("a request failed by a bug")
            refuse(context, WireError(Reason.BUG, f"{type(error).__name__}: {error}"))

    @staticmethod
    def _unless_gone(method: Callable[[Q], R], request: Q, context: grpc.ServicerContext) -> R:
        if not context.is_active():
            raise WireError(Reason.TRANSPORT, "the client gave this request up")
        return method(request)
