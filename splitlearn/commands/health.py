"""`splitlearn health`: checks whether a trunk serves, for probes and scripts."""

import argparse
import sys

from splitlearn.client.refusals import advised
from splitlearn.complaints import complain
from splitlearn.config import add_config_flags, config_from_flags
from splitlearn.wire.errors import WireError
from splitlearn.wire.health import NotServingError, wait_until_serving

__all__ = ["add_flags", "run"]

# What the probe needs: an address and the TLS settings.
SETTINGS = ("trunk_address", "tls_ca", "tls_certificate", "tls_key")
NOT_SERVING = 1


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument(
        "--timeout", type=float, default=5.0, help="seconds to wait for the answer (default: %(default)s)"
    )
    add_config_flags(parser, SETTINGS)


def run(flags: argparse.Namespace) -> int:
    """Return 0 if the trunk serves in time, 1 if it does not."""
    config = config_from_flags(flags)
    try:
        wait_until_serving(config.trunk_address, flags.timeout, config)
    except WireError as error:
        why = error.message if isinstance(error, NotServingError) else advised(config, error)
        complain(f"splitlearn health: {config.trunk_address} does not serve: {why}")
        return NOT_SERVING
    sys.stdout.write(f"{config.trunk_address} serves\n")
    return 0
