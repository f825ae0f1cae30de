"""What a run tells of its steps: one JSON object a line in a file, and a bar of progress for people."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn, TextIO

from tqdm import tqdm

from splitlearn.client.step import StepReport
from splitlearn.errors import CheckpointError

__all__ = ["Logbook", "open_logbook"]


class Logbook:
    """Takes one report after another."""

    def __init__(self, file: TextIO, progress: "tqdm[NoReturn]", interval: int) -> None:
        self._file = file
        self._progress = progress
        self._interval = interval

    def enter(self, report: StepReport) -> None:
        """Write a step's line at once; what is not finite stands as null.

        Raises:
            CheckpointError: it cannot be written.
        """
        values = asdict(report)
        plain = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values.items()}
        with _explained(Path(self._file.name)):
            self._file.write(json.dumps(plain) + "\n")
        self._progress.update()
        if report.step % self._interval == 0 or report.step + 1 == self._progress.total:
            speed = report.tokens / report.seconds
            self._progress.set_postfix(
                loss=f"{report.loss:.4f}", lr=f"{report.learning_rate:.2e}", tok_s=f"{speed:,.0f}"
            )


@contextmanager
def open_logbook(path: Path, done: int, steps: int, interval: int) -> Iterator[Logbook]:
    """Open the file, which goes on where it is.

    Args:
        path: of the file.
        done: steps that were applied before.
        steps: in all.
        interval: steps between two changes of what the bar tells beside the count.

    Raises:
        CheckpointError: it cannot be written.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = path.open("a", buffering=1)
    with (
        opened as file,
        tqdm(initial=done, total=steps, unit="step", dynamic_ncols=True) as progress,
    ):
        yield Logbook(file, progress, interval)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be written: {error}; make room, then continue with --resume auto"
        ) from None
