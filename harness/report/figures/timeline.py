"""What every process did when, with the faults from inject to heal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.faults import FaultSpan, fault_spans
from harness.report.figures.sheet import FAULT, INK, PAPER, SPLIT, Sheet, uprights
from harness.report.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["timeline"]

LANES = ("client", "trunk", "proxy", "harness")
BADGE = 18


def timeline(run: RunFolder, sheet: Sheet) -> str:
    """Draw a lane a process with a tick an event, and a band a fault, numbered as in the table of faults."""
    if not run.trace:
        return ""
    (axes,) = sheet.axes(190, left=64)
    end = max(event.t for event in run.trace) or 1.0
    axes.set_xlim(-0.01 * end, 1.02 * end)
    axes.set_ylim(len(LANES) - 0.4, -1.0)
    axes.set_yticks(range(len(LANES)), LANES)
    # Several events in one pixel are one tick: more would weigh the page down and show nothing.
    pixel = end / sheet.width
    for lane, source in enumerate(LANES):
        moments = sorted({round(event.t / pixel) * pixel for event in run.trace if event.source == source})
        lows, highs = [lane - 0.26] * len(moments), [lane + 0.26] * len(moments)
        uprights(axes, moments, lows, highs, color=SPLIT, width=1)
    spans = fault_spans(run)
    _draw_faults(axes, spans, end, badge=BADGE * pixel)
    axes.set_xlabel("seconds since the start")
    fired = sum(span.fired for span in spans)
    return sheet.svg(f"Timeline of {len(run.trace):,} events over {end:.3g} seconds, with {fired} faults.")


def _draw_faults(axes: "Axes", spans: Sequence[FaultSpan], end: float, *, badge: float) -> None:
    rightmost = float("-inf")
    for number, span in enumerate(spans, 1):
        if span.injected is None:
            continue
        healed = span.healed if span.healed is not None else end
        axes.axvspan(span.injected, healed, color=FAULT, alpha=0.18, linewidth=0, zorder=0.5)
        axes.axvline(span.injected, color=FAULT, linewidth=1.4, zorder=0.6)
        if span.healed is not None:
            axes.axvline(span.healed, color=FAULT, linewidth=1, linestyle=(0, (2, 2)), zorder=0.6)
        rightmost = max(span.injected, rightmost + badge)
        axes.plot([rightmost], [-0.72], marker="o", markersize=15, color=FAULT, markeredgewidth=0, clip_on=False)
        axes.text(rightmost, -0.72, str(number), color=PAPER, ha="center", va="center_baseline", fontsize=10)
    axes.tick_params(axis="y", labelcolor=INK)
