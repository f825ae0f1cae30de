"""`splitlearn trunk`: the server."""

import argparse
import logging
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from splitlearn.commands.observers import add_observer_flags, observers
from splitlearn.config import add_config_flags, config_from_flags
from splitlearn.determinism import make_deterministic
from splitlearn.models import FAMILY
from splitlearn.trunk.epoch import next_epoch, only_trunk
from splitlearn.trunk.server import Address, StopSignal, running_server
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.sessions import Sessions

__all__ = ["add_flags", "run"]

log = logging.getLogger(__name__)

N = TypeVar("N", int, float)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=50051, help="port; 0 takes any free one (default: %(default)s)")
    parser.add_argument(
        "--max-sessions", type=positive(int), default=1, help="runs trained at a time (default: %(default)s)"
    )
    parser.add_argument(
        "--idle-timeout",
        type=positive(float),
        default=3600.0,
        help="seconds until a silent client's place is given up (default: %(default)s)",
    )
    add_observer_flags(parser)
    add_config_flags(parser)


def positive(kind: Callable[[str], N]) -> Callable[[str], N]:
    """Give a reader of numbers above zero for a flag."""

    def read(text: str) -> N:
        number = kind(text)
        if not number > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return number

    return read


def run(flags: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    config = config_from_flags(flags)
    make_deterministic(config)
    probe, recorder = observers(flags, "trunk")
    _, identity = FAMILY.load_trunk(config)
    alone = only_trunk(config.save_dir) if config.mode == "training" else nullcontext()
    stop = StopSignal()  # before anybody is told that the server runs
    with alone:
        probe.point("trunk.server.starting")
        sessions = Sessions(flags.max_sessions, next_epoch(config.save_dir), flags.idle_timeout)
        service = TrunkService(config, identity, lambda: FAMILY.load_trunk(config)[0], sessions, probe, recorder)
        with running_server(service, config, Address(flags.host, flags.port)) as address:
            sys.stdout.write(f"trunk listening on {address}\n")
            sys.stdout.flush()
            probe.point("trunk.server.ready", address=str(address))
            log.info("stopping on %s", stop.wait())
            probe.point("trunk.server.stopping")
    return 0
