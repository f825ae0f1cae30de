"""`harness doctor`: what was found on this machine."""

import argparse
import json
import socket
from collections.abc import Iterator, Mapping

from harness.output import add_json_flag, people_read, write_json
from harness.proxy.server_process import find_backend
from harness.recording.environment import machine, versions

__all__ = ["add_parser"]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what was found on this machine",
        description="Say which versions, processor and proxy server were found, and whether ports can be listened on.",
    )
    add_json_flag(parser, "what was found")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Print what was found; return exit status 0 if scenarios can be run."""
    backend = find_backend()
    found = {
        "verdict": "PASS",
        "versions": dict(versions()),
        "machine": dict(machine()),
        "proxy": {"kind": backend.kind, "version": backend.version, "command": list(backend.command)},
        "loopback port": _free_port(),
    }
    people_read(flags.json).writelines(f"{line}\n" for line in _lines(found))
    write_json(flags.json, json.dumps(found, indent=2) + "\n")
    return 0


def _lines(found: Mapping[str, object]) -> Iterator[str]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield name
            yield from (f"  {key:14} {entry}" for key, entry in value.items())
        elif name != "verdict":
            yield f"{name:16} {value}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
