"""A Toxiproxy server as a child process."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.launcher import launched
from harness.proxy.backend import ProxyBackend, find_backend
from harness.proxy.client import ToxiproxyClient
from harness.proxy.errors import ServerDidNotStartError, ServerUnreachableError
from harness.proxy.port_owner import PortState, port_state

__all__ = ["ProxyBackend", "find_backend", "running_proxy_server"]

_HOST = "127.0.0.1"
_ATTEMPTS = 5
_START_S = 20.0
_STOP_S = 5.0
_POLL_S = 0.002  # nothing signals that a server has begun to listen
_REPOSITORY = Path(__file__).resolve().parents[2]


@contextmanager
def running_proxy_server(backend: ProxyBackend, *, seed: int, log_path: Path) -> Iterator[ToxiproxyClient]:
    """Run a server on a free loopback port and end it afterwards; its output goes to `log_path`.

    Raises ServerDidNotStartError. The server also dies with this process, and with the thread that entered here.
    """
    with log_path.open("ab") as log:
        process, client = _started(backend, seed, log)
        try:
            yield client
        finally:
            _end(process)


def _started(backend: ProxyBackend, seed: int, log: IO[bytes]) -> tuple[subprocess.Popen[bytes], ToxiproxyClient]:
    for _ in range(_ATTEMPTS):
        port = _free_port()
        argv = launched(backend.argv(_HOST, port, seed))
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=_environment()
        )
        client = ToxiproxyClient(_HOST, port)
        if _answers(process, client):
            return process, client
        _end(process)
    raise ServerDidNotStartError(f"{' '.join(backend.command)} did not answer on {_HOST}; its output is in {log.name}")


def _answers(process: subprocess.Popen[bytes], client: ToxiproxyClient) -> bool:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        # Another process may hold the port and answer too, and the real server does not exit if it cannot bind.
        state = port_state(client.port, process.pid)
        if state is PortState.FOREIGN:
            return False
        if state is PortState.OWN and _has_version(client):
            return True
        time.sleep(_POLL_S)
    return False


def _has_version(client: ToxiproxyClient) -> bool:
    try:
        return bool(client.version())
    except ServerUnreachableError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _environment() -> dict[str, str]:
    # The embedded server is part of this repository, installed or not.
    path = os.pathsep.join(filter(None, [str(_REPOSITORY), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}
