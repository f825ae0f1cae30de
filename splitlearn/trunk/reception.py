"""Takes in every request: when its message is read, how long it may take, and who gives way when there are too many.

No request holds a thread, whatever it waits for. Messages are read here and not by gRPC, which would read without a
limit, and would never let go of a call whose bytes it cannot read.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from splitlearn.trunk.journal import Journal, Request
from splitlearn.trunk.meter import Meter
from splitlearn.trunk.places import NewestFirst, Places
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, request_reader, with_checksum
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.status import status_of
from splitlearn.wire.stub import METHODS

__all__ = ["Reception"]

OWN = {method.path: method.name for method in METHODS.values()}
# In seconds. gRPC gives some requests without a deadline one that is thousands of years ahead.
FARTHEST_DEADLINE = 86_400.0
# Of visits: requests to services that are not the trunk's own, health above all. Anybody may make them.
MOST_VISITS = 256
MOST_VISITS_READ = 8
VISIT_SECONDS = 60.0
LARGEST_VISIT_BYTES = 1 << 16

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
# The published types know of no handlers that are coroutines.
Method: TypeAlias = Any


class Reception(grpc.aio.ServerInterceptor):
    """Reads messages and lets the methods answer; the trunk's own methods take and give checksummed messages.

    Args:
        places: for requests to the trunk's own methods.
        time_limit: seconds after which such a request that came without a deadline is given up.
        journal: told who opens and who is refused.
        meter: told of every request and how it ended.
    """

    def __init__(self, places: Places, time_limit: float, journal: Journal, meter: Meter) -> None:
        self._places = places
        self._meter = meter
        self._journal = journal
        self._time_limit = time_limit
        self._visits = NewestFirst(MOST_VISITS, VISIT_SECONDS)
        self._visits_read = NewestFirst(MOST_VISITS_READ, VISIT_SECONDS)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]],
        details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Return the method's handler, with a reader that never fails and waits for its turn."""
        handler = await continuation(details)
        if handler is None or handler.request_deserializer is None:
            return handler
        method: Method = handler
        own = OWN.get(details.method)

        async def behavior(_requests: object, context: Context) -> None:
            try:
                await (self._serve(own, method, context) if own else self._receive_visit(method, context))
                self._meter.answered(details.method, "OK")
            except WireError as error:
                self._meter.answered(details.method, error.code.name)
                await context.abort_with_status(status_of(error))

        parse = handler.request_deserializer
        read = request_reader(own, parse) if own else _reader(parse)
        return grpc.stream_stream_rpc_method_handler(behavior, read, None if own else method.response_serializer)

    async def _serve(self, name: str, method: Method, context: Context) -> None:
        """Answer a request to one of the trunk's own methods."""
        request: Request | None = None
        remaining = context.time_remaining()
        unbounded = remaining is None or remaining > FARTHEST_DEADLINE
        try:
            async with asyncio.timeout(self._time_limit if unbounded else None), self._places.place(context.peer()):
                request, checksum = _checked(await context.read())
                async with self._places.memory(request.ByteSize()):
                    replies = _ChecksummedReplies(method, checksum, context)
                    await _answer(method, request, context, replies.write)
                if isinstance(request, pb.OpenSessionRequest):
                    self._journal.opened(context.peer(), request, replies.last)
        except WireError as error:
            self._journal.refused(context.peer(), name, error, request)
            raise
        except TimeoutError:
            limit = f"{self._time_limit:g} s, the trunk's limit for requests without a deadline"
            raise WireError(Reason.TRANSPORT, f"not answered within {limit}", Code.DEADLINE_EXCEEDED) from None

    async def _receive_visit(self, method: Method, context: Context) -> None:
        async with self._visits.place():
            if method.request_streaming:
                async for reply in method.stream_stream(self._visitors_words(context), context):
                    await context.write(reply)
            else:
                await _answer(method, await self._read_visit(context), context, context.write)

    async def _visitors_words(self, context: Context) -> AsyncIterator[Any]:
        while (request := await self._read_visit(context, may_end=True)) is not grpc.aio.EOF:
            yield request

    async def _read_visit(self, context: Context, *, may_end: bool = False) -> Any:  # noqa: ANN401 - of any method
        async with self._visits_read.place():
            request = await context.read()
        if request is grpc.aio.EOF and may_end:
            return request
        if _checked(request).ByteSize() > LARGEST_VISIT_BYTES:
            raise WireError(Reason.TOO_LARGE, f"{request.ByteSize()} bytes; allowed are {LARGEST_VISIT_BYTES}")
        return request


def _checked(request: Any) -> Any:  # noqa: ANN401 - of any method
    if request is grpc.aio.EOF:
        raise WireError(Reason.CORRUPT, "the request ended without a message")
    if isinstance(request, WireError):
        raise request
    return request


class _ChecksummedReplies:
    """Writes the replies to one of the trunk's own requests, each checksummed from the one before."""

    def __init__(self, method: Method, checksum: int, context: Context) -> None:
        self._serialize: Callable[[Message], bytes] = method.response_serializer
        self._checksum = checksum
        self._context = context
        self.last: Any = None

    async def write(self, reply: Message) -> None:
        """Send a reply."""
        self.last = reply
        data = with_checksum(self._serialize(reply), self._checksum)
        self._checksum = checksum_of(data)
        await self._context.write(data)


def _reader(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return a reader that never fails: what is wrong with the bytes is its value."""

    def read(data: bytes) -> Any:  # noqa: ANN401 - of any method
        try:
            return parse(data)
        except DecodeError:
            return WireError(Reason.BAD_REQUEST, "the bytes are no message of this method")

    return read


async def _answer(method: Method, request: Any, context: Context, write: Callable[[Any], Awaitable[None]]) -> None:  # noqa: ANN401 - of any method
    if not method.response_streaming:
        await write(await method.unary_unary(request, context))
        return
    answer = method.unary_stream(request, context)
    if inspect.isawaitable(answer):
        await answer  # it writes by itself
        return
    async for reply in answer:
        await write(reply)
