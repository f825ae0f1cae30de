"""The transport over a gRPC channel."""

from collections.abc import Callable, Iterator
from typing import cast

import grpc
from google.protobuf.message import Message

from splitlearn.config import TrainingConfig
from splitlearn.wire.addresses import host_of
from splitlearn.wire.credentials import bearer, client_tls, read_token
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.link import Pending
from splitlearn.wire.options import channel_options
from splitlearn.wire.status import wire_error
from splitlearn.wire.stub import sealed_stub

__all__ = ["GrpcTransport"]


class GrpcTransport:
    """One channel, which connects again by itself.

    Args:
        config: address, credentials and limits.
        on_state: told of every change of the connection, by the name of gRPC's state.

    Raises:
        ConfigError: the credentials cannot be used.
    """

    def __init__(self, config: TrainingConfig, on_state: Callable[[str], None]) -> None:
        address, options, tls = config.trunk_address, channel_options(config), client_tls(config)
        self._encrypted = tls is not None
        token = read_token(config, host_of(address), encrypted=self._encrypted)
        self._metadata = (("authorization", bearer(token)),) if token else ()
        self._channel = grpc.secure_channel(address, tls, options) if tls else grpc.insecure_channel(address, options)
        self._channel.subscribe(lambda state: on_state(state.name))
        self._stub = sealed_stub(self._channel)

    def call(self, method: str, request: Message, timeout: float) -> Pending[Message]:
        """Send a request; the reply is due within `timeout` seconds."""
        future = getattr(self._stub, method).future(request, timeout=timeout, metadata=self._metadata)
        return _GrpcCall(future, encrypted=self._encrypted)

    def stream(self, method: str, request: Message, timeout: float) -> Iterator[Message]:
        """Send a request that has many replies; raises `WireError` while iterating."""
        try:
            for reply in getattr(self._stub, method)(request, timeout=timeout, metadata=self._metadata):
                yield _read(reply)
        except grpc.RpcError as error:
            raise wire_error(cast("grpc.Call", error), encrypted=self._encrypted) from None

    def close(self) -> None:
        """Give up the connection."""
        self._channel.close()


class _GrpcCall:
    def __init__(self, future: "grpc.Future[Message | WireError]", *, encrypted: bool) -> None:
        self._future = future
        self._encrypted = encrypted

    def result(self) -> Message:
        try:
            return _read(self._future.result())
        except grpc.RpcError:
            raise wire_error(cast("grpc.Call", self._future), encrypted=self._encrypted) from None
        except grpc.FutureCancelledError:
            raise WireError(Reason.TRANSPORT, "the connection was given up", Code.CANCELLED) from None


def _read(reply: Message | WireError) -> Message:
    if isinstance(reply, WireError):
        raise reply
    return reply
