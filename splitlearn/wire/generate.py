"""Generates the wire's Python modules from the contract in `proto/`.

`python -m splitlearn.wire.generate` writes them; `--check` fails if the committed ones are stale.
"""

import argparse
import filecmp
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

__all__ = ["main"]

ROOT = Path(__file__).parents[2]
CONTRACT = Path("splitlearn/wire/compute_service.proto")
MODULES = ("compute_service_pb2.py", "compute_service_pb2.pyi")


def generate(out: Path) -> None:
    """Write the modules under `out`."""
    flags = [f"--python_out={out}", f"--pyi_out={out}"]
    status = protoc.main(["protoc", f"-I{ROOT / 'proto'}", *flags, str(CONTRACT)])
    if status:
        raise SystemExit(status)


def stale_modules() -> list[str]:
    """Return the committed modules that differ from fresh ones."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = Path(folder) / CONTRACT.parent
        _, differing, missing = filecmp.cmpfiles(fresh, ROOT / CONTRACT.parent, MODULES, shallow=False)
    return differing + missing


def main() -> int:
    """Run the command; return 1 if `--check` finds a stale module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a module is stale")
    if not parser.parse_args().check:
        generate(ROOT)
        return 0
    stale = stale_modules()
    if stale:
        sys.stderr.write(f"stale: {', '.join(stale)}; run python -m splitlearn.wire.generate\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
