"""Asks a trunk's standard health service whether it serves."""

from collections.abc import Callable
from typing import cast

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from splitlearn.config import TrainingConfig
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.credentials import client_tls
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.status import wire_error

__all__ = ["NotServingError", "wait_until_serving"]

SERVICE = pb.DESCRIPTOR.services_by_name["ComputeService"].full_name
REQUEST = health_pb2.HealthCheckRequest(service=SERVICE)
WATCH, CHECK = (f"/grpc.health.v1.Health/{method}" for method in ("Watch", "Check"))
SERVING = health_pb2.HealthCheckResponse.SERVING
NAMES = {number: name for name, number in health_pb2.HealthCheckResponse.ServingStatus.items()}
UNREADABLE = -1
# To ask for the cause once the time is over; usually it is known already.
WHY_SECONDS = 1.0


class NotServingError(WireError):
    """The trunk was reached and says that it does not serve."""


def wait_until_serving(address: str, timeout: float, config: TrainingConfig | None = None) -> None:
    """Wait until the service at HOST:PORT says SERVING.

    Args:
        address: where to ask.
        timeout: seconds to wait at most.
        config: a client's settings, of which those for TLS are used; no token is needed.

    Raises:
        NotServingError: it was reached but does not serve in time.
        WireError: it was not reached; the message says why.
        ConfigError: the settings for TLS cannot be used.
    """
    tls = client_tls(config) if config else None
    with grpc.secure_channel(address, tls) if tls else grpc.insecure_channel(address) as channel:
        watch = channel.unary_stream(WATCH, health_pb2.HealthCheckRequest.SerializeToString, _status)
        answers = watch(REQUEST, timeout=timeout, wait_for_ready=True)
        try:
            if any(status == SERVING for status in answers):
                answers.cancel()
                return
        except grpc.RpcError:
            error = wire_error(answers, encrypted=tls is not None)
            if error.code is not Code.DEADLINE_EXCEEDED:
                raise error from None
        check = channel.unary_unary(CHECK, health_pb2.HealthCheckRequest.SerializeToString, _status)
        _must_serve(check, encrypted=tls is not None)


def _must_serve(check: Callable[..., int | None], *, encrypted: bool) -> None:
    """Ask once more; raises the error that keeps a trunk from serving, which a waiting call hides."""
    try:
        status = check(REQUEST, timeout=WHY_SECONDS)
    except grpc.RpcError as error:
        raise wire_error(cast("grpc.Call", error), encrypted=encrypted) from None
    # A peer may end a call with OK but no readable answer; a later version may know more values.
    said = "nothing" if status in (None, UNREADABLE) else NAMES.get(status, f"status {status}")
    if said != NAMES[SERVING]:
        message = f"it says {said} (it is starting or stopping; see its log)"
        raise NotServingError(Reason.TRANSPORT, message, Code.UNAVAILABLE)


def _status(answer: bytes) -> int:
    """Decode an answer; gRPC would report an unreadable one with a traceback."""
    try:
        return health_pb2.HealthCheckResponse.FromString(answer).status
    except DecodeError:
        return UNREADABLE
