"""What every process did when, with the faults from injection to healing."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from harness.recording.reader import RunFolder
from harness.report.faults import FaultSpan, fault_spans
from harness.report.figures.figure import register_figure
from harness.report.figures.sheet import FAULT, INK, PAPER, SPLIT, Sheet, levels, uprights
from harness.report.lives import StepDone, lives, steps_done

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["timeline"]

# Whatever else tells events has a lane between the last party and the harness only where it does.
LANES = ("proxy", "harness")
BADGE = 18


@register_figure("timeline", "Events of every process", "events")
def timeline(run: RunFolder, sheet: Sheet) -> str:
    """Draw a lane per process with a tick per event, a band per fault, and below them the client's steps as stairs.

    A process that is not running has no bar under its ticks; a cross marks a kill. Faults are numbered as in the table
    of faults.
    """
    if not run.trace:
        return ""
    lanes = _lanes(run)
    steps = steps_done(run)
    axes, *stairs = sheet.axes(36 * len(lanes) + 46, *((96,) if steps else ()), left=64)
    end = max(event.t for event in run.trace) or 1.0
    axes.set_xlim(-0.01 * end, 1.02 * end)
    axes.set_ylim(len(lanes) - 0.4, -1.0)
    axes.set_yticks(range(len(lanes)), lanes)
    axes.tick_params(axis="y", labelcolor=INK)
    # Several events in one pixel are one tick: more would enlarge the page and show nothing.
    pixel = 1.03 * end / axes.bbox.width
    for lane, source in enumerate(lanes):
        times = sorted({round(event.t / pixel) * pixel for event in run.trace if event.teller == source})
        lows, highs = [lane - 0.26] * len(times), [lane + 0.26] * len(times)
        uprights(axes, times, lows, highs, color=SPLIT, width=1)
    _draw_lives(axes, run, lanes)
    spans = fault_spans(run)
    _draw_bands([axes, *stairs], spans, end)
    _draw_edges(axes, spans, badge=BADGE * pixel)
    for lower in stairs:
        _draw_stairs(lower, steps)
    (stairs or [axes])[-1].set_xlabel("seconds since the start")
    fired = sum(span.fired for span in spans)
    again = sum(step.again for step in steps)
    tail = f"; {again} of {len(steps)} steps were repeated" if again else ""
    return sheet.svg(f"Timeline of {len(run.trace):,} events over {end:.3g} seconds, with {fired} faults{tail}.")


def _lanes(run: RunFolder) -> list[str]:
    """Return the parties, first the clients, then what stands between them, last the harness."""
    tellers = {event.teller for event in run.trace}
    parties = {"client", "trunk", *(event.party for event in run.trace if event.party)}
    between = sorted(tellers - parties - {*LANES})
    return [*sorted(parties), LANES[0], *between, LANES[1]]


def _draw_lives(axes: "Axes", run: RunFolder, lanes: Sequence[str]) -> None:
    spells = lives(run)
    rows = [lanes.index(life.party) for life in spells]
    levels(axes, rows, [life.began for life in spells], [life.until for life in spells], color=SPLIT, width=5)
    killed = [
        (life.until, lane)
        for life, lane in zip(spells, rows, strict=True)
        if life.end and life.end.point == "process.killed"
    ]
    if killed:
        axes.plot(*zip(*killed, strict=True), color=INK, linestyle="none", marker="x", markersize=9, markeredgewidth=2)


def _draw_bands(each: Sequence["Axes"], spans: Sequence[FaultSpan], end: float) -> None:
    for axes, span in product(each, spans):
        if span.injected is not None:
            healed = span.healed if span.healed is not None else end
            axes.axvspan(span.injected, healed, color=FAULT, alpha=0.18, linewidth=0, zorder=0.5)


def _draw_edges(axes: "Axes", spans: Sequence[FaultSpan], *, badge: float) -> None:
    """Draw the ends of bands, and their numbers, moved slightly aside if one would cover another."""
    rightmost = float("-inf")
    for number, span in enumerate(spans, 1):
        if span.injected is None:
            continue
        axes.axvline(span.injected, color=FAULT, linewidth=1.4, zorder=0.6)
        if span.healed is not None:
            axes.axvline(span.healed, color=FAULT, linewidth=1, linestyle=(0, (2, 2)), zorder=0.6)
        if rightmost - span.injected > badge:
            continue
        rightmost = max(span.injected, rightmost + badge)
        axes.plot([rightmost], [-0.72], marker="o", markersize=15, color=FAULT, markeredgewidth=0, clip_on=False)
        axes.text(rightmost, -0.72, str(number), color=PAPER, ha="center", va="center_baseline", fontsize=10)


def _draw_stairs(axes: "Axes", steps: Sequence[StepDone]) -> None:
    """Draw every step as a level from its beginning to its end, repeated ones in another colour."""
    for again, color in ((False, SPLIT), (True, FAULT)):
        chosen = [step for step in steps if step.again == again]
        began, until = [step.began for step in chosen], [step.until for step in chosen]
        levels(axes, [step.step for step in chosen], began, until, color=color, width=3)
    more = any(step.again for step in steps)
    axes.set_title("step of the client; orange: repeated" if more else "step of the client")
    axes.locator_params(axis="y", integer=True, nbins=4)
    axes.margins(y=0.12)
