"""`python -m harness.fuzz` sends malformed requests to a trunk.

Reads the target from standard input, one JSON object with the fields of `Target`. Writes to standard output, one JSON
object a line: `{"answered": n}` when the first request is ready and then now and then, at last the report. SIGTERM ends
it early, with a report.
"""

import argparse
import json
import signal
import sys
import threading

from harness.fuzz.sending import fuzz
from harness.fuzz.target import Target


def main() -> int:
    """Run the program; exit status 0 without findings, else 1."""
    parser = argparse.ArgumentParser(prog="python -m harness.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="decides what is sent (default: %(default)s)")
    parser.add_argument("--count", type=int, default=10_000, help="requests at most (default: %(default)s)")
    flags = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    target = Target(**json.load(sys.stdin))
    report = fuzz(target, flags.seed, flags.count, stop, lambda answered: _say(json.dumps({"answered": answered})))
    _say(report.to_json())
    return 1 if report.findings else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
