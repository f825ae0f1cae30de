"""Find the Toxiproxy server that this machine can run."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.proxy.embedded import VERSION
from harness.proxy.errors import BackendNotFoundError
from harness.proxy.own_toxics import toxics_flags

__all__ = ["ProxyBackend", "find_backend"]

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = "toxiproxy-server"
_VARIABLE = "TOXIPROXY_SERVER"
# A Go program carries the version of its own module; `-version` says only "git" when it was built by `go install`.
_MODULE_VERSION = re.compile(rb"github\.com/Shopify/toxiproxy/v2\tv?([0-9][0-9A-Za-z.+-]*)")


@dataclass(frozen=True)
class ProxyBackend:
    """A server that can be started."""

    kind: Literal["real", "embedded"]
    version: str
    command: tuple[str, ...]

    def argv(self, host: str, port: int, seed: int) -> list[str]:
        """Return the command line that serves on `host`:`port`, with byte counters and, if embedded, own toxics."""
        if self.kind == "real":
            flags = ["-host", host, "-port", str(port), "-seed", str(seed), "-proxy-metrics"]
        else:
            flags = ["--host", host, "--port", str(port), "--seed", str(seed), *toxics_flags()]
        return [*self.command, *flags]


def find_backend(prefer: Literal["auto", "real", "embedded"] = "auto") -> ProxyBackend:
    """Return the real server if there is one, else the embedded one, or the kind asked for.

    Looks at TOXIPROXY_SERVER, `.tools/bin` of the repository and PATH, in that order. Raises
    BackendNotFoundError when the real one is asked for and there is none, or when TOXIPROXY_SERVER names no program.
    """
    program = "" if prefer == "embedded" else _real_program()
    if program:
        return ProxyBackend("real", _real_version(Path(program)), (program,))
    if prefer == "real":
        raise BackendNotFoundError(
            f"no {_PROGRAM}: set {_VARIABLE} to its path, or put it in {_ROOT / '.tools' / 'bin'} or on PATH "
            f"(go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0 builds it)"
        )
    return ProxyBackend("embedded", VERSION, (sys.executable, "-m", "harness.proxy.embedded"))


def _real_program() -> str:
    named = os.environ.get(_VARIABLE)
    if named:
        if not os.access(named, os.X_OK) or not Path(named).is_file():
            raise BackendNotFoundError(f"{_VARIABLE} is {named!r}, which is no program: correct it or unset it")
        return named
    own = _ROOT / ".tools" / "bin" / _PROGRAM
    if os.access(own, os.X_OK) and own.is_file():
        return str(own)
    return shutil.which(_PROGRAM) or ""


def _real_version(program: Path) -> str:
    found = _MODULE_VERSION.search(program.read_bytes())
    return found[1].decode() if found else "unknown"
