"""Refuses requests whose bytes are no message of their method, or not those that were sent.

gRPC itself would answer INTERNAL and never let go of the call again: its memory would be lost, and so would its place
among those that a connection may have under way.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import grpc

from splitlearn.wire.errors import WireError
from splitlearn.wire.seal import readable, sealed
from splitlearn.wire.status import refuse
from splitlearn.wire.stub import SERVICE

__all__ = ["ReadableOnly"]

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
SEALED = f"/{SERVICE.full_name}/"


class ReadableOnly(grpc.ServerInterceptor):
    """Lets no method see bytes that cannot be read; the trunk's own methods take and give sealed messages."""

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
        check = _each_checked if handler.request_streaming else _checked
        behavior, write = getattr(handler, kind), handler.response_serializer
        own = details.method.startswith(SEALED)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - of any method
            return behavior(check(request, context), context)

        def write_sealed(message: Any) -> bytes:  # noqa: ANN401 - as above
            assert write is not None
            return sealed(write(message))

        return make(answer, readable(handler.request_deserializer, seal=own), write_sealed if own else write)


def _checked(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 - as above
    if isinstance(request, WireError):
        refuse(context, request)
    return request


def _each_checked(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
    return (_checked(request, context) for request in requests)
