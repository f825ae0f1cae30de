"""Requests to services other than the trunk's own, mainly health: anyone may make them, so they occupy nothing.

Messages are read here and not by gRPC, which would read without a limit, and would never free a call whose bytes it
cannot read.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from splitlearn.trunk.ending import Context, Handler, ended
from splitlearn.trunk.meter import Meter
from splitlearn.trunk.places import NewestFirst
from splitlearn.wire.errors import Reason, WireError

__all__ = ["Visits"]

MOST_VISITS = 256
MOST_VISITS_READ = 8
VISIT_SECONDS = 60.0
LARGEST_VISIT_BYTES = 1 << 16

# The published types do not cover handlers that are coroutines.
Method: TypeAlias = Any


class Visits(grpc.aio.ServerInterceptor):
    """Reads visitors' messages and lets the services answer.

    Args:
        meter: receives every request and how it ended.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
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
            return handler  # unknown, or one that reads its own messages
        method: Method = handler

        async def behavior(_requests: object, context: Context) -> None:
            await ended(self._receive(method, context), details.method, context, self._meter)

        read = _reader(handler.request_deserializer)
        return grpc.stream_stream_rpc_method_handler(behavior, read, method.response_serializer)

    async def _receive(self, method: Method, context: Context) -> None:
        async with self._visits.place():
            if method.request_streaming:
                async for reply in method.stream_stream(self._words(context), context):
                    await context.write(reply)
            else:
                await _answer(method, await self._read(context), context)

    async def _words(self, context: Context) -> AsyncIterator[Any]:
        while (request := await self._read(context, may_end=True)) is not grpc.aio.EOF:
            yield request

    async def _read(self, context: Context, *, may_end: bool = False) -> Any:  # noqa: ANN401 - of any method
        async with self._visits_read.place():
            request: Any = await context.read()
        if request is grpc.aio.EOF:
            if may_end:
                return request
            raise WireError(Reason.CORRUPT, "the request ended without a message")
        if isinstance(request, WireError):
            raise request
        if request.ByteSize() > LARGEST_VISIT_BYTES:
            raise WireError(Reason.TOO_LARGE, f"{request.ByteSize()} bytes; allowed are {LARGEST_VISIT_BYTES}")
        return request


def _reader(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return a reader that never fails: it returns the error instead."""

    def read(data: bytes) -> Any:  # noqa: ANN401 - of any method
        try:
            return parse(data)
        except DecodeError:
            return WireError(Reason.BAD_REQUEST, "the bytes are no message of this method")

    return read


async def _answer(method: Method, request: Any, context: Context) -> None:  # noqa: ANN401 - of any method
    if not method.response_streaming:
        await context.write(await method.unary_unary(request, context))
        return
    answer = method.unary_stream(request, context)
    if inspect.isawaitable(answer):
        await answer  # it writes its own replies
        return
    async for reply in answer:
        await context.write(reply)
