"""Reports a run's steps: one JSON object per line in a file, and a progress bar or log lines for people."""

import json
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from splitlearn.client.report import StepReport
from splitlearn.complaints import is_json
from splitlearn.errors import CheckpointError
from splitlearn.runtime import Disk

__all__ = ["Logbook", "open_logbook"]

log = logging.getLogger(__name__)


class Logbook:
    """Receives one report after another.

    Args:
        disk: holds the file.
        path: the file's.
        add: appends bytes to it.
        progress: for people.
        steps: total number.
        interval: steps between updates of the figures shown to people besides the count.
    """

    def __init__(
        self,
        disk: Disk,
        path: Path,
        add: Callable[[bytes], None],
        progress: "tqdm[NoReturn]",
        steps: int,
        interval: int,
    ) -> None:
        self._disk = disk
        self._path = path
        self._add = add
        self._progress = progress
        self._steps = steps
        self._interval = interval

    def enter(self, report: StepReport, skipped: int) -> None:
        """Write a step's line at once; non-finite numbers become null.

        Args:
            report: the step's.
            skipped: number of steps skipped so far.

        Raises:
            CheckpointError: it cannot be written.
        """
        with _explained(self._path):
            self._add(json.dumps(_plain(report)).encode() + b"\n")
        self._progress.update()
        if report.step % self._interval == 0 or report.step + 1 == self._steps:
            self._tell(report, skipped)

    def sync(self) -> None:
        """Sync the lines so far; raises `CheckpointError`. A checkpoint must not outlive the lines of its steps."""
        with _explained(self._path):
            self._disk.sync_file(self._path)

    def _tell(self, report: StepReport, skipped: int) -> None:
        words = {
            "loss": f"{report.loss:.4f}",
            "lr": f"{report.learning_rate:.2e}",
            "tok_s": f"{report.tokens_per_second:,.0f}",
        }
        words |= {"skipped": str(skipped)} if skipped else {}
        if self._progress.disable:
            told = ", ".join(f"{name} {value}" for name, value in words.items())
            numbers = {name: value for name, value in _plain(report).items() if name != "breakdown"}
            log.info("step %d of %d: %s", report.step + 1, self._steps, told, extra=numbers)
        else:
            self._progress.set_postfix(words)


def _plain(report: StepReport) -> dict[str, object]:
    """Return a report in JSON's terms, which have only finite numbers."""
    values = asdict(report)
    return {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values.items()}


@contextmanager
def open_logbook(disk: Disk, path: Path, done: int, steps: int, interval: int) -> Iterator[Logbook]:
    """Open the file for appending; a last line that a crash has torn is removed.

    Args:
        disk: holds the file.
        path: the file's.
        done: number of steps already applied.
        steps: total number.
        interval: steps between updates of the figures shown to people besides the count.

    Raises:
        CheckpointError: it cannot be written.
    """
    with ExitStack() as stack:
        with _explained(path):
            disk.make_folder(path.parent)
            add = stack.enter_context(disk.append_lines(path))
        # A progress bar is for people at a terminal; a file gets lines.
        bar = tqdm(initial=done, total=steps, unit="step", dynamic_ncols=True, disable=is_json() or None)
        progress = stack.enter_context(bar)
        if not progress.disable:
            stack.enter_context(logging_redirect_tqdm())
        yield Logbook(disk, path, add, progress, steps, interval)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be written: {error}; make room, then continue with --resume auto"
        ) from None
