"""Sends requests as bytes over gRPC and reads the answers."""

from types import TracebackType
from typing import Self, cast

import grpc
from grpc import aio

from harness.fuzz.attack import Answer, Attack
from harness.fuzz.target import SERVICE, Target
from splitlearn.wire.checksum import origin_of, with_checksum
from splitlearn.wire.errors import Reason
from splitlearn.wire.status import wire_error

__all__ = ["Calls"]

# A trunk that trains and refuses on one core answers within a fraction of this.
DEADLINE_SECONDS = 60.0
# An honest client's requests interleave with those of this many connections.
CONNECTIONS = 4


class Calls:
    """Several connections to a trunk, used in turn."""

    def __init__(self, target: Target) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]
        self._channels = [aio.insecure_channel(target.address, options) for _ in range(CONNECTIONS)]
        self._turn = 0

    async def __aenter__(self) -> Self:
        """Return the connections."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        for channel in self._channels:
            await channel.close()

    async def send(self, attack: Attack) -> Answer:
        """Send a request and wait for its answer."""
        self._turn = (self._turn + 1) % CONNECTIONS
        channel = self._channels[self._turn]
        call: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(SERVICE + attack.method)
        try:
            body = with_checksum(attack.body, origin_of(attack.method)) if attack.checksum else attack.body
            await call(body, timeout=DEADLINE_SECONDS)
        except aio.AioRpcError as error:
            reason = wire_error(cast("grpc.Call", error), encrypted=False).reason
            named = "" if reason is Reason.TRANSPORT else reason.value
            return Answer(error.code().name, named, error.details() or "")
        return Answer("OK", "", "")
