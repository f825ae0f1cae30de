"""The figures of the report. Each is one function that draws on a sheet; `FIGURES` lists them in page order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.recording.reader import RunFolder
from harness.report.figures.loss import loss_curves
from harness.report.figures.sheet import Sheet
from harness.report.figures.step_time import step_times
from harness.report.figures.timeline import timeline
from harness.report.figures.traffic import traffic
from harness.report.figures.ulp import ulp_histogram

__all__ = ["FIGURES", "Figure"]


@dataclass(frozen=True)
class Figure:
    """One figure: its section, its title, and the function that draws it.

    `draw` returns inline SVG, or an empty string if the run recorded nothing for it; the figure is then omitted.
    """

    name: str
    title: str
    section: Literal["loss", "equivalence", "time", "events", "traffic"]
    draw: Callable[[RunFolder, Sheet], str]


FIGURES: tuple[Figure, ...] = (
    Figure("loss", "Loss of the split run over the reference", "loss", loss_curves),
    Figure("ulp", "How far apart the differing numbers are", "equivalence", ulp_histogram),
    Figure("step-time", "Seconds of every step", "time", step_times),
    Figure("timeline", "Events of every process", "events", timeline),
    Figure("traffic", "Bytes a step, measured and least possible", "traffic", traffic),
)
