"""Admits requests by their token."""

import hmac
from collections.abc import Awaitable, Callable

import grpc
from grpc_health.v1 import health

from splitlearn.trunk.ending import Context, Handler, ended
from splitlearn.trunk.journal import Journal
from splitlearn.trunk.meter import Meter
from splitlearn.wire.credentials import bearer
from splitlearn.wire.errors import Reason, WireError

__all__ = ["TokenGuard"]

OPEN_TO_ALL = f"/{health.SERVICE_NAME}/"
ADVICE = "start the client with --token-file, a copy of the trunk's own"


class TokenGuard(grpc.aio.ServerInterceptor):
    """Refuses every request without the token, to known and unknown methods, except health requests."""

    def __init__(self, token: str, journal: Journal, meter: Meter) -> None:
        self._expected = bearer(token).encode()
        self._journal = journal
        self._meter = meter

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]],
        details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Return the method's handler, or one that refuses."""
        if details.method.startswith(OPEN_TO_ALL):
            return await continuation(details)
        given = [value for name, value in details.invocation_metadata if name == "authorization"]
        if not given:
            return self._refusal(details.method, "the trunk asks for a token and got none")
        if len(given) > 1 or not hmac.compare_digest(_bytes(given[0]), self._expected):
            return self._refusal(details.method, "the token is not the trunk's")
        return await continuation(details)

    def _refusal(self, method: str, message: str) -> "Handler":
        error = WireError(Reason.UNAUTHENTICATED, f"{message}; {ADVICE}")

        async def refuse(context: Context) -> None:
            self._journal.refused(context.peer(), method, error)
            raise error

        async def behavior(_requests: object, context: Context) -> None:
            await ended(refuse(context), method, context, self._meter)

        # A streaming handler is called before any of the request's message is read.
        return grpc.stream_stream_rpc_method_handler(behavior)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
