"""`splitlearn trunk`: the server."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from typing import TYPE_CHECKING, TypeVar

from splitlearn.commands.initial import add_init_flag, config_from_init
from splitlearn.commands.observers import add_observer_flags, observers
from splitlearn.config import HIGHEST_PORT, Scope, add_config_flags, names_of
from splitlearn.determinism import make_deterministic
from splitlearn.errors import ConfigError
from splitlearn.models import FAMILY
from splitlearn.probe import Probe
from splitlearn.runtime import real_runtime
from splitlearn.stopwatch import UNWATCHED
from splitlearn.trunk.boot_count import next_boot, only_trunk
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.meter import NullMeter
from splitlearn.trunk.profile import TrunkProfile
from splitlearn.trunk.server import Address, running_server
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.sessions import IDLE_TIMEOUT, Sessions
from splitlearn.trunk.stopping import STOP_GRACE, StopSignal, let_clients_save
from splitlearn.wire.addresses import is_loopback

if TYPE_CHECKING:
    from splitlearn.trunk.metrics import TrunkMetrics

__all__ = ["add_flags", "run"]

log = logging.getLogger(__name__)

# The settings that a trunk reads; a --config file may contain the client's too.
SETTINGS = names_of(Scope.BOTH, Scope.MODEL, Scope.MACHINES, Scope.MACHINE, Scope.EACH)

N = TypeVar("N", int, float)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 takes every network's (default: %(default)s)"
    )
    parser.add_argument("--port", type=port, default=50051, help="port; 0 takes any free one (default: %(default)s)")
    parser.add_argument(
        "--max-sessions", type=positive(int), default=1, help="runs trained at a time (default: %(default)s)"
    )
    parser.add_argument(
        "--idle-timeout",
        type=positive(float),
        default=IDLE_TIMEOUT,
        help="seconds until a silent client's place is given up (default: %(default)s)",
    )
    parser.add_argument(
        "--stop-grace",
        type=positive(float),
        default=STOP_GRACE,
        help="seconds that clients have to save when the trunk is told to stop (default: %(default)s)",
    )
    parser.add_argument(
        "--metrics-port",
        type=port,
        help="port for Prometheus, at /metrics; 0 takes any free one. It needs splitlearn[metrics] (default: none)",
    )
    parser.add_argument(
        "--metrics-host", default="127.0.0.1", help="address for Prometheus to reach it (default: %(default)s)"
    )
    parser.add_argument(
        "--profile", action="store_true", help="print at the end where the time of the clients' steps went"
    )
    add_init_flag(parser)
    add_observer_flags(parser)
    add_config_flags(parser, SETTINGS)


def positive(kind: Callable[[str], N]) -> Callable[[str], N]:
    """Return a parser for a flag that takes numbers above zero."""

    def read(text: str) -> N:
        number = kind(text)
        if not number > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return number

    return read


def port(text: str) -> int:
    """Parse a port number for a flag."""
    number = int(text)
    if not 0 <= number <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port; allowed are 0 to {HIGHEST_PORT}")
    return number


def metrics_of(flags: argparse.Namespace, probe: Probe) -> "TrunkMetrics | None":
    """Return the Prometheus metrics, if asked for; raises `ConfigError` if the library is not installed."""
    if flags.metrics_port is None:
        return None
    try:
        from splitlearn.trunk.metrics import TrunkMetrics  # noqa: PLC0415 - optional
    except ImportError:
        message = "--metrics-port: prometheus-client is not installed; pip install 'splitlearn[metrics]'"
        raise ConfigError(message) from None
    return TrunkMetrics(probe)


@contextmanager
def shown(metrics: "TrunkMetrics | None", service: TrunkService, flags: argparse.Namespace) -> Iterator[None]:
    """Serve the metrics, if any, until the `with` block is left."""
    if metrics is None:
        yield
        return
    metrics.watch(service)
    with metrics.served(flags.metrics_host, flags.metrics_port) as page:
        log.info("metrics at %s", page)
        yield


def run(flags: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    config = config_from_init(flags)
    make_deterministic(config)
    probe, tensor_log = observers(flags, "trunk")
    metrics = metrics_of(flags, probe)
    # Loaded once: every session trains, or reads, its own copy.
    stage, identity = FAMILY.load_trunk(config)
    runtime = real_runtime()
    alone = only_trunk(config.save_dir, runtime) if config.mode == "training" else nullcontext()
    stop = StopSignal()  # before anyone is told that the server runs
    with alone:
        probe.point("trunk.server.starting")
        boot = next_boot(config.save_dir, runtime)
        sessions = Sessions(flags.max_sessions, runtime.clock, runtime.entropy, boot, flags.idle_timeout)
        profile = TrunkProfile(runtime.clock) if flags.profile else None
        service = TrunkService(
            config,
            identity,
            lambda: deepcopy(stage),
            sessions,
            metrics or probe,
            tensor_log,
            runtime.disk,
            watch=profile.watch if profile else UNWATCHED,
        )
        dispatch = profile.dispatch_of(service) if profile else Dispatch(service)
        listen = Address(flags.host, flags.port)
        with (
            running_server(service, config, listen, runtime.clock, metrics or NullMeter(), dispatch) as address,
            shown(metrics, service, flags),
        ):
            sys.stdout.write(f"trunk listening on {address}\n")
            sys.stdout.flush()
            if not is_loopback(address.host) and config.tls_certificate is None:
                log.warning("%s: anyone who reaches this port is served, in the clear; see docs/security.md", address)
            probe.point("trunk.server.ready", address=str(address))
            log.info("stopping on %s", stop.wait())
            probe.point("trunk.server.stopping")
            let_clients_save(service, stop.repeated, flags.stop_grace, runtime.clock)
    if profile:
        sys.stdout.write(profile.table())
    return 0
