"""The bytes of a step against the minimum that its tensors need."""

from harness.recording.reader import RunFolder
from harness.report.figures.figure import register_figure
from harness.report.figures.sheet import INK, REFERENCE, SPLIT, Sheet
from harness.report.wording import size

__all__ = ["traffic"]


@register_figure("traffic", "Bytes a step, measured and least possible", "traffic")
def traffic(run: RunFolder, sheet: Sheet) -> str:
    """Draw the measured bytes per step as a bar above that of the minimum."""
    measured = run.traffic
    if measured is None or not measured.per_step:
        return ""
    (axes,) = sheet.axes(76, left=76)
    values = (measured.per_step, measured.floor_per_step)
    axes.barh((0, 1), values, height=0.62, color=(SPLIT, REFERENCE))
    axes.set_yticks((0, 1), ("measured", "least"))
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(1.5, -0.5)
    axes.set_xlim(0, max(values) * (1.45 if sheet.narrow else 1.2))
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    for row, number in enumerate(values):
        axes.annotate(size(number), (number, row), (8, 0), textcoords="offset points", va="center", color=INK)
    return sheet.svg(f"{size(measured.per_step)} a step, {measured.ratio:.3g} times the least possible.")
