"""Refuses requests whose bytes are no message of their method.

gRPC itself would answer INTERNAL and never let go of the call again: its memory would be lost, and so would its place
among those that a connection may have under way.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.status import refuse

__all__ = ["ReadableOnly"]

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
UNREADABLE = object()


class ReadableOnly(grpc.ServerInterceptor):
    """Lets no method see bytes that cannot be read."""

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], "Handler | None"], details: grpc.HandlerCallDetails
    ) -> "Handler | None":
        """Give the method's handler, with a reader that never fails."""
        handler = continuation(details)
        if handler is None or handler.request_deserializer is None:
            return handler
        kind = "_".join(
            "stream" if streams else "unary" for streams in (handler.request_streaming, handler.response_streaming)
        )
        make: Callable[..., Handler] = getattr(grpc, f"{kind}_rpc_method_handler")
        check = _each_readable if handler.request_streaming else _readable
        behavior = getattr(handler, kind)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - of any method
            return behavior(check(request, context), context)

        return make(answer, _reader(handler.request_deserializer), handler.response_serializer)


def _reader(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def read(data: bytes) -> Any:  # noqa: ANN401 - a message of any type
        try:
            return deserialize(data)
        except DecodeError:
            return UNREADABLE

    return read


def _readable(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - as above
    if request is UNREADABLE:
        refuse(context, WireError(Reason.BAD_REQUEST, "the bytes are no message of this method"))
    return request


def _each_readable(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
    return (_readable(request, context) for request in requests)
