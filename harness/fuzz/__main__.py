"""`python -m harness.fuzz` sends malformed requests to a trunk, or plays one that lies to clients.

Unless it lies, it reads the target from standard input: one JSON object with the fields of `Target`. It writes one JSON
object per line to standard output: `{"answered": n}` when the first request is ready and then from time to time, and
finally the report. SIGTERM ends it early, with a report.
"""

import argparse
import json
import signal
import sys
import threading

from harness.fuzz.deception import lie_to_clients
from harness.fuzz.sending import fuzz
from harness.fuzz.target import Target


def main() -> int:
    """Run the program; exit status 0 without findings, else 1."""
    parser = argparse.ArgumentParser(prog="python -m harness.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="decides what is sent (default: %(default)s)")
    parser.add_argument("--count", type=int, default=10_000, help="requests or lies at most (default: %(default)s)")
    parser.add_argument("--lie", action="store_true", help="answer a client's calls with lies, in this process")
    flags = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if flags.lie:
        report = lie_to_clients(flags.seed, flags.count, stop, _say_answered)
    else:
        report = fuzz(Target(**json.load(sys.stdin)), flags.seed, flags.count, stop, _say_answered)
    _say(report.to_json())
    return 1 if report.findings else 0


def _say_answered(answered: int) -> None:
    _say(json.dumps({"answered": answered}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
