"""How soon the client made progress after faults of every group had healed."""

from collections import Counter
from collections.abc import Sequence
from math import ceil, floor, isfinite, log10

from harness.report.figures.sheet import FAULT, INK, SPLIT, Sheet, uprights
from harness.report.recoveries import Recoveries
from harness.report.wording import duration

__all__ = ["recovery_times"]

ROW = 40
BINS_A_DECADE = 24
FEWEST_SECONDS = 0.001


def recovery_times(groups: Sequence[Recoveries], sheet: Sheet) -> str:
    """Draw one row per group: a histogram of recovery times, on a logarithmic scale of seconds.

    A line marks the time by which 95 % of the row's faults had recovered. Those that never did are not shown.
    """
    rows = [(group, [max(s, FEWEST_SECONDS) for s in group.seconds if isfinite(s)]) for group in groups]
    rows = [(group, seconds) for group, seconds in rows if seconds]
    if not rows:
        return ""
    (axes,) = sheet.axes(ROW * len(rows), left=124)
    axes.set_xscale("log")
    least, most = min(seconds[0] for _, seconds in rows), max(seconds[-1] for _, seconds in rows)
    axes.set_xlim(10 ** floor(log10(least)), 10 ** ceil(log10(most * 1.05)))
    axes.set_ylim(len(rows) - 0.2, -0.85)
    axes.set_yticks(range(len(rows)), [group.group for group, _ in rows])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.xaxis.set_major_formatter(lambda number, _: duration(number))
    axes.minorticks_off()
    low, high = axes.get_xlim()
    bar = 0.8 * axes.bbox.width / (BINS_A_DECADE * log10(high / low))
    for row, (group, seconds) in enumerate(rows):
        bins = Counter(floor(BINS_A_DECADE * log10(s)) for s in seconds)
        tallest = max(bins.values())
        places = [10 ** ((number + 0.5) / BINS_A_DECADE) for number in bins]
        tops = [row - 0.1 - 0.6 * number / tallest for number in bins.values()]
        uprights(axes, places, [row] * len(bins), tops, color=SPLIT, width=bar)
        slow = group.quantile(0.95)
        if isfinite(slow):
            uprights(axes, [max(slow, FEWEST_SECONDS)], [row + 0.12], [row - 0.78], color=FAULT, width=1.6)
    axes.set_xlabel("from healing to progress; line: 95 %")
    total = sum(len(seconds) for _, seconds in rows)
    return sheet.svg(f"Times of {total:,} recoveries in {len(rows)} groups, {least:.2g} to {most:.2g} seconds.")
