"""`python -m harness.fuzz` as a separate process, so that it shares no interpreter with harness or trunk."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from types import TracebackType

from harness.errors import HarnessError
from harness.fuzz.report import FuzzReport
from harness.fuzz.target import Target
from harness.launcher import launched

__all__ = ["FuzzProgram"]

END_TIMEOUT = 20.0


class FuzzProgram(AbstractContextManager["FuzzProgram"]):
    """A running fuzzer; it ends with the `with` block, and with the thread that created it.

    Args:
        target: a trunk to send malformed requests to; None lies to clients of its own instead.
        seed: decides what is sent.
        count: how many at most.
    """

    def __init__(self, target: Target | None, seed: int, count: int) -> None:
        lying = [] if target else ["--lie"]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self._process = subprocess.Popen(
            launched([sys.executable, "-m", "harness.fuzz", "--seed", str(seed), "--count", str(count), *lying]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        if target:
            self._process.stdin.write(json.dumps(asdict(target)))
        self._process.stdin.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the fuzzer if it still runs."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def report(self, on_progress: Callable[[int], None] = lambda _: None) -> FuzzReport:
        """Wait for the end; raises `HarnessError` if there is no report.

        Args:
            on_progress: called with the number of answers whenever the fuzzer reports it.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            values = json.loads(line)
            if "answered" not in values:
                return FuzzReport.from_json(line)
            on_progress(values["answered"])
        self._process.wait(END_TIMEOUT)
        self._log.seek(0)
        last_words = self._log.read().decode(errors="replace")[-2000:]
        raise HarnessError(f"the fuzzer ended with status {self._process.returncode} without a report: {last_words}")
