"""The transport over a gRPC channel."""

from collections.abc import Callable, Iterator
from typing import cast

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from splitlearn.config import TrainingConfig
from splitlearn.wire.compute_service_pb2_grpc import ComputeServiceStub
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.link import Pending
from splitlearn.wire.options import channel_options

__all__ = ["ERROR_DOMAIN", "GrpcTransport"]

ERROR_DOMAIN = "splitlearn"


class GrpcTransport:
    """One channel, which connects again by itself.

    Args:
        config: address and limits.
        on_state: told of every change of the connection, by the name of gRPC's state.
    """

    def __init__(self, config: TrainingConfig, on_state: Callable[[str], None]) -> None:
        self._channel = grpc.insecure_channel(config.trunk_address, channel_options(config))
        self._channel.subscribe(lambda state: on_state(state.name))
        self._stub = ComputeServiceStub(self._channel)  # type: ignore[no-untyped-call] # generated without types

    def call(self, method: str, request: Message, timeout: float) -> Pending[Message]:
        """Send a request; the reply is due within `timeout` seconds."""
        return _GrpcCall(getattr(self._stub, method).future(request, timeout=timeout))

    def stream(self, method: str, request: Message, timeout: float) -> Iterator[Message]:
        """Send a request that has many replies; raises `WireError` while iterating."""
        try:
            yield from getattr(self._stub, method)(request, timeout=timeout)
        except grpc.RpcError as error:
            raise wire_error(cast("grpc.Call", error)) from None

    def close(self) -> None:
        """Give up the connection."""
        self._channel.close()


class _GrpcCall:
    def __init__(self, future: "grpc.Future[Message]") -> None:
        self._future = future

    def result(self) -> Message:
        try:
            return self._future.result()
        except grpc.RpcError:
            raise wire_error(cast("grpc.Call", self._future)) from None
        except grpc.FutureCancelledError:
            raise WireError(Reason.TRANSPORT, "the connection was given up", Code.CANCELLED) from None


def wire_error(call: grpc.Call) -> WireError:
    """Read what the peer, or gRPC itself, says went wrong."""
    code = Code(call.code().value[0])
    message = call.details() or code.name
    status = rpc_status.from_call(call)
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            known = info.reason in Reason.__members__
            # A reason of a newer protocol is a refusal all the same.
            return WireError(Reason[info.reason] if known else Reason.BAD_REQUEST, message, code)
    # Of gRPC's own words, only those on a message's size are a refusal; the others are about load and connection.
    too_large = code is Code.RESOURCE_EXHAUSTED and "larger than max" in message
    reason = Reason.TOO_LARGE if too_large else Reason.TRANSPORT
    return WireError(reason, message, code)
