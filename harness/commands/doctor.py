"""`harness doctor`: what was found on this machine."""

import argparse
import json
import socket
import sys
from pathlib import Path

from harness.environment import machine, versions
from harness.proxy.server_process import find_backend

__all__ = ["add_parser"]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what was found on this machine",
        description="Say which versions, processor and proxy server were found, and whether ports can be listened on.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found there as one JSON object")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Print what was found; exit status 0 when scenarios can be run."""
    backend = find_backend()
    found = {
        "verdict": "PASS",
        "versions": dict(versions()),
        "machine": dict(machine()),
        "proxy": {"kind": backend.kind, "version": backend.version, "command": list(backend.command)},
        "loopback port": _free_port(),
    }
    for name, value in found.items():
        if isinstance(value, dict):
            sys.stdout.write(f"{name}\n")
            sys.stdout.writelines(f"  {key:14} {entry}\n" for key, entry in value.items())
        elif name != "verdict":
            sys.stdout.write(f"{name:16} {value}\n")
    if flags.json:
        flags.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
