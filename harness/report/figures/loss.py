"""The losses of the split run over those of the reference, and their difference."""

from collections.abc import Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING

from harness.recording.reader import RunFolder
from harness.recording.schema import StepRecord
from harness.report.faults import fault_spans
from harness.report.figures.figure import register_figure
from harness.report.figures.sheet import FAULT, HARM, MUTED, REFERENCE, SPLIT, Sheet, power_of_ten, uprights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["loss_curves"]

LABEL = 16


@register_figure("loss", "Loss of the split run over the reference", "loss")
def loss_curves(run: RunFolder, sheet: Sheet) -> str:
    """Draw the reference as a wide pale band and the split run as a thin line on it; below, their distance."""
    split = _losses(run.split)
    reference = _losses(run.reference)
    if not split:
        return ""
    common = [step for step in split if step in reference]
    scope = "all" if len(common) == len(split) == len(reference) else "the common"
    upper, *lower = sheet.axes(210, 64) if common else sheet.axes(240)
    _draw_curves(upper, split, reference)
    _mark_faults(upper, run)
    if lower:
        distances = _distances([split[step] for step in common], [reference[step] for step in common])
        differing = sum(distance != 0 for distance in distances)
        shown = (
            f"{differing} of {len(common)} losses differ"
            if differing
            else f"identical bits at {scope} {len(common):,} steps"
        )
        _draw_distances(lower[0], common, distances, shown)
    else:
        shown = "no reference to compare with"
    (lower or [upper])[-1].set_xlabel("step")
    upper.locator_params(axis="x", integer=True)
    return sheet.svg(f"Loss by step of the split run and of the reference: {shown}.")


def _losses(steps: Sequence[StepRecord]) -> dict[int, float]:
    return {step.step: step.loss for step in steps if step.loss is not None}


def _distances(split: Sequence[float], reference: Sequence[float]) -> list[float]:
    """Return the distance of each pair; two NaN are equal, and infinite distances stay on the drawing."""
    raw = [
        0.0 if ours == theirs or (isnan(ours) and isnan(theirs)) else abs(ours - theirs)
        for ours, theirs in zip(split, reference, strict=True)
    ]
    farthest = 10 * max((distance for distance in raw if isfinite(distance)), default=0.0) or 1.0
    return [distance if isfinite(distance) else farthest for distance in raw]


def _draw_curves(axes: "Axes", split: dict[int, float], reference: dict[int, float]) -> None:
    if reference:
        axes.plot(
            list(reference),
            list(reference.values()),
            color=REFERENCE,
            linewidth=9,
            solid_capstyle="round",
            solid_joinstyle="round",
            label="reference, one process",
        )
    axes.plot(list(split), list(split.values()), color=SPLIT, linewidth=1.6, label="split run")
    if len(split) == 1:
        axes.plot(list(split), list(split.values()), color=SPLIT, marker="o", markersize=4)
    axes.legend(loc="upper right", handlelength=2.2, borderaxespad=0)
    axes.set_title("loss")


def _mark_faults(axes: "Axes", run: RunFolder) -> None:
    """Draw a line at the step of every fault, with its number if there is room."""
    first, last = axes.get_xlim()
    label = LABEL * (last - first) / axes.bbox.width
    rightmost = float("-inf")
    for number, span in enumerate(fault_spans(run), 1):
        if span.step is None:
            continue
        axes.axvline(span.step, color=FAULT, linewidth=1, linestyle=(0, (2, 3)), zorder=0.5)
        if span.step - rightmost > label:
            rightmost = span.step
            axes.annotate(
                str(number),
                (span.step, 0),
                (3, 3),
                xycoords=axes.get_xaxis_transform(),
                textcoords="offset points",
                color=FAULT,
                fontsize=10,
            )


def _draw_distances(axes: "Axes", steps: Sequence[int], distances: Sequence[float], shown: str) -> None:
    axes.set_title("distance")
    differing = [(step, distance) for step, distance in zip(steps, distances, strict=True) if distance != 0]
    if not differing:
        axes.plot(steps, distances, color=SPLIT, linewidth=1.6)
        axes.set_ylim(-1, 1)
        axes.set_yticks([0])
        axes.text(0.5, 0.74, shown, color=SPLIT, ha="center", va="center", transform=axes.transAxes)
        return
    first, least = differing[0][0], min(distance for _, distance in differing)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(power_of_ten)
    axes.minorticks_off()
    # A distance of zero has no place on a logarithmic axis: equal steps become dots on the floor.
    floor = least / 10
    axes.set_ylim(floor / 2, max(distance for _, distance in differing) * 4)
    steps_off, distances_off = zip(*differing, strict=True)
    uprights(axes, steps_off, [floor] * len(differing), distances_off, color=HARM, width=1.2)
    axes.plot(steps_off, distances_off, color=HARM, linestyle="none", marker="o", markersize=3)
    same = [step for step, distance in zip(steps, distances, strict=True) if distance == 0]
    axes.plot(same, [floor] * len(same), color=MUTED, linestyle="none", marker=".", markersize=3)
    axes.axvline(first, color=HARM, linewidth=1, linestyle=(0, (2, 3)), zorder=0.5)
    axes.set_title(f"distance, first at step {first}")
