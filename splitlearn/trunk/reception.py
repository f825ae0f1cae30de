"""Receives requests to the trunk's own methods: when each is read, how long it may take, and how it ends.

No request occupies a thread while it waits: one thread computes, and the server's event loop does everything else.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import cast

import grpc
from google.protobuf.message import Message

from splitlearn.trunk.dispatch import Call, Dispatch
from splitlearn.trunk.ending import Context, Handler, ended
from splitlearn.trunk.journal import Journal, Request
from splitlearn.trunk.meter import Meter
from splitlearn.trunk.places import Places
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.methods import METHODS

__all__ = ["Reception"]

NAMES = {method.path: method.name for method in METHODS.values()}
# In seconds. gRPC gives some requests without a deadline one that is thousands of years ahead.
FARTHEST_DEADLINE = 86_400.0


class Reception(grpc.GenericRpcHandler):
    """Connects gRPC to the dispatch: bytes in, bytes out, refusals as statuses.

    Args:
        dispatch: answers the requests.
        compute: an executor of exactly one thread, which carries out every request.
        places: limits the requests in flight.
        time_limit: seconds after which a request without a deadline is given up.
        journal: receives who opens and who is refused.
        meter: receives every request and how it ended.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        compute: Executor,
        places: Places,
        time_limit: float,
        journal: Journal,
        meter: Meter,
    ) -> None:
        self._dispatch = dispatch
        self._compute = compute
        self._places = places
        self._time_limit = time_limit
        self._journal = journal
        self._meter = meter

    def service(self, details: grpc.HandlerCallDetails) -> "Handler | None":
        """Return the handler of one of the trunk's own methods; None for any other."""
        name = NAMES.get(details.method)
        if name is None:
            return None

        async def behavior(_requests: object, context: Context) -> None:
            await ended(self._receive(name, context), details.method, context, self._meter)

        # A streaming handler is called before any of the request's message is read; gRPC itself would read
        # without a limit.
        return grpc.stream_stream_rpc_method_handler(behavior)

    async def _receive(self, name: str, context: Context) -> None:
        """Answer a request; raises `WireError`, which the journal has recorded."""
        request: Request | None = None
        remaining = context.time_remaining()
        unbounded = remaining is None or remaining > FARTHEST_DEADLINE
        try:
            async with asyncio.timeout(self._time_limit if unbounded else None), self._places.place(context.peer()):
                call = self._dispatch.read(name, await _message(context))
                request = cast("Request", call.request)
                async with self._places.memory(request.ByteSize()):
                    replies = await self._carried_out(call)
                    for data in self._dispatch.write(call, replies):
                        await context.write(data)
            if isinstance(request, pb.OpenSessionRequest):
                self._journal.opened(context.peer(), request, cast("pb.OpenSessionReply", replies[0]))
        except WireError as error:
            self._journal.refused(context.peer(), name, error, request)
            raise
        except TimeoutError:
            limit = f"{self._time_limit:g} s, the trunk's limit for requests without a deadline"
            raise WireError(Reason.TRANSPORT, f"not answered within {limit}", Code.DEADLINE_EXCEEDED) from None

    async def _carried_out(self, call: Call) -> Sequence[Message]:
        """Answer in the computing thread; a request that is given up before its turn is not carried out."""
        return await asyncio.wrap_future(self._compute.submit(self._dispatch.carry_out, call))


async def _message(context: Context) -> bytes:
    data = await context.read()
    if data is grpc.aio.EOF:
        raise WireError(Reason.CORRUPT, "the request ended without a message")
    return cast("bytes", data)
