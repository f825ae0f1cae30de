"""Lets requests in by the token that they carry."""

import hmac
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health

from splitlearn.wire.credentials import bearer
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.status import refuse

__all__ = ["TokenGuard"]

OPEN_TO_ALL = f"/{health.SERVICE_NAME}/"
ADVICE = "start the client with --token-file, a copy of the trunk's own"

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class TokenGuard(grpc.ServerInterceptor):
    """Refuses every request without the token, of known methods and unknown ones, but those for the health."""

    def __init__(self, token: str) -> None:
        self._expected = bearer(token).encode()

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], "Handler | None"], details: grpc.HandlerCallDetails
    ) -> "Handler | None":
        """Give the method's handler, or one that refuses."""
        if details.method.startswith(OPEN_TO_ALL):
            return continuation(details)
        given = [value for name, value in details.invocation_metadata if name == "authorization"]
        if not given:
            return _refusal("the trunk asks for a token and got none")
        if len(given) > 1 or not hmac.compare_digest(_bytes(given[0]), self._expected):
            return _refusal("the token is not the trunk's")
        return continuation(details)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _refusal(message: str) -> "Handler":
    def behavior(_requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        refuse(context, WireError(Reason.UNAUTHENTICATED, f"{message}; {ADVICE}"))

    # A handler of streams is called before anything of the request's message is taken.
    return grpc.stream_stream_rpc_method_handler(behavior)
