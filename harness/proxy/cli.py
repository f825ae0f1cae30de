"""`harness proxy`: the embedded server alone."""

import argparse
import asyncio
import json
import secrets
import sys

from harness.output import add_json_flag, people_read, write_json
from harness.plan.recorded_module import import_recorded
from harness.proxy.embedded import VERSION, ListenFailedError, serve
from harness.proxy.own_toxics import add_toxics_flag

__all__ = ["add_arguments", "add_parser", "run"]

_SUMMARY = "run the embedded Toxiproxy-compatible server alone"
_DESCRIPTION = """\
Serves Toxiproxy's HTTP API until it gets SIGINT or SIGTERM. Any Toxiproxy client can create proxies in it and put
toxics on them. The same seed and the same connections give the same random choices."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `proxy` to the commands of `harness`."""
    parser = subparsers.add_parser("proxy", help=_SUMMARY, description=_DESCRIPTION)
    add_arguments(parser)
    parser.set_defaults(run=run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that `run` reads."""
    parser.add_argument("--host", default="127.0.0.1", help="address of the HTTP API (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8474, help="port of the HTTP API; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, help="seed of every random choice (default: a random one, which is printed)"
    )
    add_toxics_flag(parser)
    add_json_flag(parser, "the verdict and the address, when stopped,")


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped; return 0, or 2 if the address cannot be bound.

    Raises:
        UnusableError: a file of toxics cannot be imported.
    """
    for module in arguments.toxics:
        import_recorded(module)
    seed: int = secrets.randbits(32) if arguments.seed is None else arguments.seed
    figures: dict[str, object] = {"seed": seed, "version": VERSION}

    def announce(address: str) -> None:
        figures.update(verdict="PASS", listening=f"http://{address}")
        print(f"listening on http://{address}\nseed {seed}", file=people_read(arguments.json), flush=True)

    status = 0
    try:
        asyncio.run(serve(arguments.host, arguments.port, seed, announce))
    except ListenFailedError as error:
        figures.update(verdict="VOID", error=str(error))
        print(f"harness proxy: {error}. Choose another --port, or 0 for a free one.", file=sys.stderr)
        status = 2
    write_json(arguments.json, json.dumps(figures) + "\n")
    return status
