"""How far apart the differing numbers are, in representable steps."""

from collections.abc import Mapping

from harness.recording.reader import RunFolder
from harness.report.figures.figure import register_figure
from harness.report.figures.sheet import HARM, MUTED, REFERENCE, Sheet, power_of_ten

__all__ = ["draw_distances", "ulp_histogram"]


@register_figure("ulp", "How far apart the differing numbers are", "equivalence")
def ulp_histogram(run: RunFolder, sheet: Sheet) -> str:
    """Draw a histogram of distances from the reference in ULP; empty if all are equal."""
    return draw_distances(run.equivalence.ulp_histogram if run.equivalence else {}, sheet)


def draw_distances(bins: Mapping[str, int], sheet: Sheet) -> str:
    """Draw a histogram of distances, each bin named by its lower bound; nothing when all are 0."""
    differing = sum(number for distance, number in bins.items() if distance != "0")
    if not differing:
        return ""
    (axes,) = sheet.axes(150)
    labels, numbers = list(bins), list(bins.values())
    bars = axes.bar(
        range(len(bins)), numbers, width=0.72, color=[REFERENCE if label == "0" else HARM for label in labels]
    )
    axes.bar_label(bars, [f"{number:,}" if number else "" for number in numbers], padding=3, color=MUTED, fontsize=10)
    axes.set_yscale("log")
    axes.set_ylim(0.5, max(numbers) * 4)
    axes.yaxis.set_major_formatter(power_of_ten)
    axes.minorticks_off()
    axes.set_xticks(range(len(bins)), ["equal" if label == "0" else label for label in labels])
    axes.set_xlabel("distance in ULP")
    axes.set_title("numbers")
    return sheet.svg(f"Histogram of distances in ULP: {differing:,} numbers differ.")
