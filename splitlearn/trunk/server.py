"""The trunk as a gRPC server, with health and reflection."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import torch
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from splitlearn.config import TrainingConfig
from splitlearn.errors import ConfigError
from splitlearn.runtime import Clock
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.guard import TokenGuard
from splitlearn.trunk.journal import Journal
from splitlearn.trunk.meter import Meter, NullMeter
from splitlearn.trunk.places import Places
from splitlearn.trunk.reception import Reception
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.visits import Visits
from splitlearn.wire.addresses import address_of
from splitlearn.wire.credentials import read_token, server_tls
from splitlearn.wire.grpc_log import without_tracebacks
from splitlearn.wire.methods import SERVICE
from splitlearn.wire.options import server_options

__all__ = ["Address", "running_server"]

log = logging.getLogger(__name__)

MOST_REQUESTS = 1024
MOST_READ = 8
STOP_GRACE_SECONDS = 5.0
TIDY_SECONDS = 1.0

R = TypeVar("R")


@dataclass(frozen=True)
class Address:
    """Where to listen; port 0 means any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return the form HOST:PORT."""
        return address_of(self.host, self.port)


@contextmanager
def running_server(
    service: TrunkService,
    config: TrainingConfig,
    address: Address,
    clock: Clock,
    meter: Meter | None = None,
    dispatch: Dispatch | None = None,
) -> Iterator[Address]:
    """Serve until the `with` block is left.

    Args:
        service: the protocol.
        config: limits and credentials.
        address: to listen on.
        clock: of this machine.
        meter: receives every request that ended.
        dispatch: the service's methods as bytes, if they are to be measured.

    Yields:
        The address with the chosen port.

    Raises:
        ConfigError: the address cannot be listened on, or the credentials cannot be used.
    """
    without_tracebacks()
    tls = server_tls(config)
    token = read_token(config, address.host, encrypted=tls is not None)
    # A thread's default thread count is OpenMP's, not the process's: the computing thread must set its own.
    compute = ThreadPoolExecutor(1, "compute", torch.set_num_threads, (config.threads,))
    with compute, _event_loop() as run:
        server = _Server(dispatch or Dispatch(service), config, token, compute, clock, meter or NullMeter())
        port = run(server.start(str(address), tls))
        try:
            yield Address(address.host, port)
        finally:
            run(server.stop())


@contextmanager
def _event_loop() -> Iterator[Callable[[Coroutine[Any, Any, R]], R]]:
    """Run an event loop in a thread within the block; yields a function that runs a coroutine in it and waits."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server")
    thread.start()
    try:
        yield lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Server:
    """A gRPC server with our service, health and reflection, all in one event loop."""

    def __init__(
        self,
        dispatch: Dispatch,
        config: TrainingConfig,
        token: str | None,
        compute: Executor,
        clock: Clock,
        meter: Meter,
    ) -> None:
        self._service = dispatch.service
        self._dispatch = dispatch
        self._config = config
        self._token = token
        self._compute = compute
        self._healthy = health.aio.HealthServicer()
        self._journal = Journal(clock)
        self._meter = meter

    async def start(self, address: str, tls: grpc.ServerCredentials | None) -> int:
        """Start to listen and answer; return the port."""
        places = Places(MOST_REQUESTS, MOST_READ, MOST_READ * self._config.max_message_bytes)
        guards = [TokenGuard(self._token, self._journal, self._meter)] if self._token else []
        server = grpc.aio.server(
            interceptors=[*guards, Visits(self._meter)],
            options=server_options(self._config),
        )
        reception = Reception(
            self._dispatch, self._compute, places, self._config.rpc_timeout, self._journal, self._meter
        )
        server.add_generic_rpc_handlers((reception,))
        health_pb2_grpc.add_HealthServicer_to_server(self._healthy, server)
        names = [SERVICE.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, server)
        try:
            port = server.add_secure_port(address, tls) if tls else server.add_insecure_port(address)
        except RuntimeError as error:
            raise ConfigError(
                f"cannot listen on {address}: {error}; choose another --port, or 0 for any free one"
            ) from None
        for name in ("", *names):
            await self._healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
        await server.start()
        self._server = server
        self._tidying = asyncio.create_task(self._tidy())
        return port

    async def stop(self) -> None:
        """Finish the requests in flight and accept no new ones."""
        self._tidying.cancel()
        await self._healthy.enter_graceful_shutdown()
        await self._server.stop(STOP_GRACE_SECONDS)

    async def _tidy(self) -> None:
        """Periodically give up the places of clients that are gone, and update the health status when stopping."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            for look in (self._close_idle, self._sum_up, self._tell_health):
                try:
                    await look()
                except Exception:  # whatever the error: nobody waits for this loop, and its end would go unnoticed
                    log.exception("a look after clients that are gone has failed; the next one follows")

    async def _close_idle(self) -> None:
        await asyncio.wrap_future(self._compute.submit(self._service.close_idle))

    async def _sum_up(self) -> None:
        self._journal.sum_up()

    async def _tell_health(self) -> None:
        if self._service.stopping:
            await self._healthy.enter_graceful_shutdown()
