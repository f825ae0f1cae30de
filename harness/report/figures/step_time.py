"""How the time of every step was spent, as stacked bars."""

from collections.abc import Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING

from harness.recording.reader import RunFolder
from harness.report.figures.figure import register_figure
from harness.report.figures.sheet import INK, PHASE, Sheet, uprights
from harness.report.phases import phase_seconds
from splitlearn.profile import PHASES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["step_times"]

NARROWEST_BAR = 4
OUTLIER = 4
LABEL = 52


@register_figure("step-time", "Seconds of every step", "time")
def step_times(run: RunFolder, sheet: Sheet) -> str:
    """Draw one stacked bar per step; if bars would be too thin, one for the mean of several steps."""
    parts = phase_seconds(run)
    if not parts:
        return ""
    (axes,) = sheet.axes(210)
    together = -(-len(parts) * NARROWEST_BAR // sheet.width)
    steps = list(parts)
    groups = [steps[start : start + together] for start in range(0, len(steps), together)]
    positions = [fmean(group) for group in groups]
    first, last = positions[0] - 0.7 * together, positions[-1] + 0.7 * together
    axes.set_xlim(first, last)
    bar = 0.82 * together * axes.bbox.width / (last - first)
    bottoms = [0.0] * len(groups)
    for key in PHASES:
        heights = [fmean(parts[step][key] for step in group) for group in groups]
        tops = [low + height for low, height in zip(bottoms, heights, strict=True)]
        uprights(axes, positions, bottoms, tops, color=PHASE[key], width=bar)
        bottoms = tops
    axes.set_ylim(0, 1.05 * max(bottoms) or 1.0)
    _cut_outliers(axes, positions, bottoms)
    axes.set_xlabel("step" if together == 1 else f"step; each bar is the mean of {together}")
    axes.locator_params(axis="x", integer=True)
    return sheet.svg(f"Seconds of {len(parts)} steps by phase, {median(bottoms):.3g} at the median.")


def _cut_outliers(axes: "Axes", positions: Sequence[float], totals: Sequence[float]) -> None:
    """Cut off bars that would flatten all others, such as steps that waited for a recovery.

    Their heights are written if there is room.
    """
    usual = median(totals)
    if not usual or max(totals) <= OUTLIER * usual:
        return
    ceiling = 1.25 * max((total for total in totals if total <= OUTLIER * usual), default=usual)
    axes.set_ylim(0, ceiling)
    first, last = axes.get_xlim()
    label = LABEL * (last - first) / axes.bbox.width
    rightmost = float("-inf")
    for position, total in zip(positions, totals, strict=True):
        if total > ceiling and position - rightmost > label:
            rightmost = position
            axes.text(position, ceiling, f"↑ {total:.3g} s", color=INK, ha="center", va="bottom", fontsize=10)
