"""The trunk as a program: a gRPC server with health and reflection, stopped by a signal."""

import logging
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
import torch
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from splitlearn.config import TrainingConfig
from splitlearn.errors import ConfigError
from splitlearn.trunk.guard import TokenGuard
from splitlearn.trunk.readable import ReadableOnly
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.servicer import TrunkServicer
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.addresses import address_of
from splitlearn.wire.compute_service_pb2_grpc import add_ComputeServiceServicer_to_server
from splitlearn.wire.credentials import read_token, server_tls
from splitlearn.wire.options import server_options

__all__ = ["Address", "StopSignal", "running_server"]

log = logging.getLogger(__name__)

HANDLER_THREADS = 8
MAX_CONCURRENT_RPCS = 1024
STOP_GRACE_SECONDS = 5.0
TIDY_SECONDS = 1.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Address:
    """Where to listen; port 0 takes any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """Give the form HOST:PORT."""
        return address_of(self.host, self.port)


@contextmanager
def running_server(service: TrunkService, config: TrainingConfig, address: Address) -> Iterator[Address]:
    """Serve until the block is left.

    Yields:
        The address with the chosen port.

    Raises:
        ConfigError: the address cannot be listened on, or the credentials cannot be used.
    """
    tls = server_tls(config)
    token = read_token(config, address.host, encrypted=tls is not None)
    # A thread's default count is OpenMP's, not the process's: the computing thread must set its own.
    compute = ThreadPoolExecutor(1, "compute", torch.set_num_threads, (config.threads,))
    handlers = ThreadPoolExecutor(HANDLER_THREADS, "handler")
    server = grpc.server(
        handlers,
        interceptors=[*([TokenGuard(token)] if token else []), ReadableOnly()],
        options=server_options(config),
        maximum_concurrent_rpcs=MAX_CONCURRENT_RPCS,
    )
    servicer = TrunkServicer(service, compute, config.rpc_timeout)
    add_ComputeServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call] # generated without types
    healthy = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    names = [pb.DESCRIPTOR.services_by_name["ComputeService"].full_name, health.SERVICE_NAME, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server)
    try:
        port = server.add_secure_port(str(address), tls) if tls else server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise ConfigError(
            f"cannot listen on {address}: {error}; choose another --port, or 0 for any free one"
        ) from None
    server.start()
    for name in ("", *names):
        healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        with _tidied(service, compute):
            yield Address(address.host, port)
    finally:
        healthy.enter_graceful_shutdown()
        server.stop(STOP_GRACE_SECONDS).wait()
        compute.shutdown()
        handlers.shutdown()


@contextmanager
def _tidied(service: TrunkService, compute: Executor) -> Iterator[None]:
    """Give up the places of clients that are gone, now and then, until the block is left."""
    over = threading.Event()

    def tidy() -> None:
        while not over.wait(TIDY_SECONDS):
            error = compute.submit(service.close_idle).exception()
            if error:
                log.error("the places of clients that are gone could not be looked after", exc_info=error)

    thread = threading.Thread(target=tidy, name="tidy", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class StopSignal:
    """Catches SIGTERM and SIGINT from the moment it is made; make it in the main thread."""

    def __init__(self) -> None:
        self._received: list[str] = []
        self._stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def wait(self) -> str:
        """Wait for a signal; returns its name."""
        # The kernel may give the signal to another thread, which wakes nobody here: so this one looks now and then.
        while not self._stopped.wait(LOOK_SECONDS):
            pass
        return self._received[0]

    def _stop(self, number: int, _frame: object) -> None:
        self._received.append(signal.Signals(number).name)
        self._stopped.set()
