"""gRPC in, the protocol out: one thread computes, whatever goes wrong is a `WireError`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import TypeVar

from splitlearn.trunk.service import TrunkService
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.compute_service_pb2_grpc import ComputeServiceServicer
from splitlearn.wire.errors import Reason, WireError

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

    async def OpenSession(self, request: pb.OpenSessionRequest, _context: object) -> pb.OpenSessionReply:  # noqa: N802 - gRPC's name
        """Start or resume a session."""
        return await self._run(self._service.open_session, request)

    async def Compute(self, request: pb.ComputeRequest, _context: object) -> pb.ComputeReply:  # noqa: N802 - gRPC's name
        """Forward pass of one microbatch."""
        return await self._run(self._service.compute, request)

    async def Backward(self, request: pb.BackwardRequest, _context: object) -> pb.BackwardReply:  # noqa: N802 - gRPC's name
        """Backward pass of one microbatch."""
        return await self._run(self._service.backward, request)

    async def GetGradients(self, request: pb.GetGradientsRequest, _context: object) -> AsyncIterator[pb.Gradient]:  # noqa: N802 - gRPC's name
        """The accumulated gradients of the step in progress."""
        # All at once, so that the step cannot move on in the middle of the stream.
        for gradient in await self._run(lambda asked: list(self._service.get_gradients(asked)), request):
            yield gradient

    async def SyncTrainingState(  # noqa: N802 - gRPC's name
        self, request: pb.SyncTrainingStateRequest, _context: object
    ) -> pb.SyncTrainingStateReply:
        """Commit, save, close, or tell the state."""
        return await self._run(self._service.sync_training_state, request)

    async def _run(self, method: Callable[[Q], R], request: Q) -> R:
        """Let the computing thread answer; a request that is given up before its turn is not carried out."""
        try:
            return await asyncio.wrap_future(self._compute.submit(method, request))
        except WireError:
            raise
        except Exception as error:
            log.exception("a request failed by a bug")
            raise WireError(Reason.BUG, f"{type(error).__name__}: {error}") from None
