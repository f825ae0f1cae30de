"""Asks a trunk's standard health service whether it serves."""

from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from splitlearn.config import TrainingConfig
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.credentials import client_tls
from splitlearn.wire.status import wire_error

__all__ = ["wait_until_serving"]

SERVICE = pb.DESCRIPTOR.services_by_name["ComputeService"].full_name


def wait_until_serving(address: str, timeout: float, config: TrainingConfig | None = None) -> None:
    """Wait until the service at HOST:PORT says SERVING.

    Args:
        address: where to ask.
        timeout: seconds to wait at most.
        config: a client's settings, of which those for TLS are used; no token is needed.

    Raises:
        WireError: it does not serve in time.
        ConfigError: the settings for TLS cannot be used.
    """
    tls = client_tls(config) if config else None
    with grpc.secure_channel(address, tls) if tls else grpc.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its published types leave Watch out
        answers = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=timeout, wait_for_ready=True)
        try:
            next(answer for answer in answers if answer.status == health_pb2.HealthCheckResponse.SERVING)
        except grpc.RpcError:
            raise wire_error(answers, encrypted=tls is not None) from None
        answers.cancel()
