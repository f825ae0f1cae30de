"""The transport over a gRPC channel."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import cast

import grpc

from splitlearn.config import TrainingConfig
from splitlearn.wire.addresses import host_of
from splitlearn.wire.credentials import bearer, client_tls, read_token
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.grpc_log import without_tracebacks
from splitlearn.wire.methods import METHODS
from splitlearn.wire.options import channel_options
from splitlearn.wire.status import wire_error
from splitlearn.wire.trunk_link import Pending

__all__ = ["GrpcTransport"]

# gRPC's watcher checks five times a second whether it is still needed, and does not signal its end: closing a channel
# therefore polls, for `LONGEST_WATCH` seconds at most.
LONGEST_WATCH, LOOK_SECONDS = 5.0, 0.005
OVERDUE_SECONDS = 5.0


class GrpcTransport:
    """One channel, which reconnects by itself and can be replaced by a new one.

    Args:
        config: address, credentials and limits.
        on_state: called with the name of gRPC's state at every change of the connection.

    Raises:
        ConfigError: the credentials cannot be used.
    """

    def __init__(self, config: TrainingConfig, on_state: Callable[[str], None]) -> None:
        without_tracebacks()
        self._address, self._options, self._tls = config.trunk_address, channel_options(config), client_tls(config)
        self._on_state = on_state
        token = read_token(config, host_of(self._address), encrypted=self._encrypted)
        self._metadata = (("authorization", bearer(token)),) if token else ()
        self._channel, self._changes = self._new_channel()
        # Another thread may call while the connection is being replaced.
        self._changing = threading.Lock()

    def call(self, method: str, request: bytes, timeout: float) -> Pending[bytes]:
        """Send a request; the reply is due within `timeout` seconds."""
        with self._changing:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes | None] = self._channel.unary_unary(METHODS[method].path)
            future = call.future(request, timeout=timeout, metadata=self._metadata)
        return _GrpcCall(future, timeout, encrypted=self._encrypted)

    def stream(self, method: str, request: bytes, timeout: float) -> Iterator[bytes]:
        """Send a request that has many replies; raises `WireError` while iterating."""
        with self._changing:
            call: grpc.UnaryStreamMultiCallable[bytes, bytes] = self._channel.unary_stream(METHODS[method].path)
            replies = call(request, timeout=timeout, metadata=self._metadata)
        try:
            yield from replies
        except grpc.RpcError as error:
            raise wire_error(cast("grpc.Call", error), encrypted=self._encrypted) from None

    def renew(self) -> None:
        """Replace the connection; calls in flight fail.

        Both ends of a connection remember its headers. If a name among them was altered in transit, every later call
        fails, and the channel keeps the connection, because it looks sound.
        """
        with self._changing:
            given_up = self._channel, self._changes
            self._channel, self._changes = self._new_channel()
        self._close(*given_up)

    def close(self) -> None:
        """Close the connection."""
        self._close(self._channel, self._changes)

    @property
    def _encrypted(self) -> bool:
        return self._tls is not None

    def _new_channel(self) -> "tuple[grpc.Channel, _Changes]":
        address, options, tls = self._address, self._options, self._tls
        channel = grpc.secure_channel(address, tls, options) if tls else grpc.insecure_channel(address, options)
        changes = _Changes(self._on_state)
        channel.subscribe(changes)
        return channel, changes

    @staticmethod
    def _close(channel: grpc.Channel, changes: "_Changes") -> None:
        """Close a channel once nobody watches it: gRPC's watcher fails noisily if its channel is closed."""
        channel.unsubscribe(changes)
        watching = channel._connectivity_state  # type: ignore[attr-defined] # nothing public tells
        give_up_at = time.monotonic() + LONGEST_WATCH
        while watching.polling and time.monotonic() < give_up_at:
            time.sleep(LOOK_SECONDS)
        channel.close()


class _Changes:
    """Reports every change of one channel. It starts idle, which gRPC also reports whenever its watcher gets to it."""

    def __init__(self, on_state: Callable[[str], None]) -> None:
        self._on_state = on_state
        self._state = grpc.ChannelConnectivity.IDLE

    def __call__(self, state: grpc.ChannelConnectivity) -> None:
        if state is not self._state:
            self._state = state
            self._on_state(state.name)


class _GrpcCall:
    def __init__(self, future: "grpc.Future[bytes | None]", timeout: float, *, encrypted: bool) -> None:
        self._future = future
        self._timeout = timeout
        self._encrypted = encrypted

    def result(self) -> bytes:
        try:
            # Longer than the call's deadline, which a channel does not enforce if a signal interrupted its start.
            reply = self._future.result(self._timeout + OVERDUE_SECONDS)
        except grpc.RpcError:
            raise wire_error(cast("grpc.Call", self._future), encrypted=self._encrypted) from None
        except grpc.FutureTimeoutError:
            raise WireError(Reason.TRANSPORT, "gRPC did not keep the deadline", Code.DEADLINE_EXCEEDED) from None
        except grpc.FutureCancelledError:
            raise WireError(Reason.TRANSPORT, "the connection was given up", Code.CANCELLED) from None
        if reply is None:
            raise WireError(Reason.TRANSPORT, "the call ended with status OK but without a reply", Code.UNKNOWN)
        return reply
