"""Further outputs for a run's metrics: CSV and TensorBoard."""

import csv
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from splitlearn.client.report import StepReport
from splitlearn.errors import ConfigError
from splitlearn.files import drop_torn_line

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

__all__ = ["MetricsSink", "Spared", "TableSink", "TensorBoardSink", "table", "tensorboard"]

log = logging.getLogger(__name__)

COLUMNS = [field.name for field in fields(StepReport) if field.name != "breakdown"]
HEADER = (",".join(COLUMNS) + "\n").encode()


class MetricsSink(Protocol):
    """Receives one report after another; a repeated step comes again."""

    def enter(self, report: StepReport) -> None:
        """Write a step's report; raises `OSError`."""


class Spared:
    """A sink whose failure ends no training: it is reported once, and further reports are dropped.

    Args:
        sink: may fail.
        name: the sink's, for people.
    """

    def __init__(self, sink: MetricsSink, name: str) -> None:
        self._sink = sink
        self._name = name
        self._failed = False

    def enter(self, report: StepReport) -> None:
        """Write a step's report, unless an earlier one failed."""
        if self._failed:
            return
        try:
            self._sink.enter(report)
        except OSError as error:
            self._failed = True
            log.warning(
                "%s gets no more metrics from step %d on: %s; the training continues", self._name, report.step, error
            )


class TableSink:
    """A CSV file, one row per step."""

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        if not file.tell():
            self._rows.writeheader()

    def enter(self, report: StepReport) -> None:
        """Write a row at once; non-finite numbers are `nan` or `inf`."""
        self._rows.writerow(asdict(report))


@contextmanager
def table(path: Path) -> Iterator[TableSink]:
    """Open a CSV file for appending; raises `OSError`, and `ConfigError` for a file of another kind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        _must_be_a_table(path)
        drop_torn_line(path)
    file = path.open("a", buffering=1, newline="")
    try:
        yield TableSink(file)
    finally:
        with suppress(OSError):  # a full disk, which `Spared` has reported
            file.close()


def _must_be_a_table(path: Path) -> None:
    """Raise `ConfigError` for a file that this program has not written."""
    if not path.is_file():
        raise ConfigError(f"metrics_csv = {path}: it is no file; name one that may be written to")
    with path.open("rb") as file:
        header = file.readline(len(HEADER) + 1)
    if header and header != HEADER:
        raise ConfigError(f"metrics_csv = {path}: it is not a table of metrics; name another file, or remove it")


class TensorBoardSink:
    """TensorBoard curves under the tags that Hugging Face trainers use."""

    def __init__(self, writer: "SummaryWriter") -> None:
        self._writer = writer

    def enter(self, report: StepReport) -> None:
        """Add a point to every curve, at the number of steps done; non-finite numbers leave a gap."""
        values = {
            "train/loss": report.loss,
            "train/learning_rate": report.learning_rate,
            "train/grad_norm": report.grad_norm,
            "train/skipped": float(report.skipped),
            "train/tokens_per_second": report.tokens_per_second,
        }
        for tag, value in values.items():
            if math.isfinite(value):
                self._writer.add_scalar(tag, value, report.step + 1)


@contextmanager
def tensorboard(folder: Path) -> Iterator[TensorBoardSink]:
    """Open a TensorBoard folder; raises `ConfigError` if TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard.writer import SummaryWriter  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        message = f"tensorboard = {folder}: it is not installed; pip install 'splitlearn[tensorboard]'"
        raise ConfigError(message) from None
    writer = SummaryWriter(folder)
    try:
        yield TensorBoardSink(writer)
    finally:
        writer.close()
