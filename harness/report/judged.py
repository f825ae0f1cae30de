"""The page that compares two recordings."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.judging.recordings import sentence_of, verdict_of
from harness.oracle.comparison import Comparison, FirstDivergence
from harness.report.bits import BitPair, bit_pair
from harness.report.figures.ulp import draw_distances
from harness.report.rendering import drawings, style, templates

__all__ = ["write_judged"]

# How many tensors of only one side are named on the page.
NAMED = 200


@dataclass(frozen=True)
class ShownDivergence:
    """The first divergence, formatted for the page."""

    step: int
    microbatch: int | None
    stage: str
    tensor: str
    index: tuple[int, ...] | None
    split: float | str
    reference: float | str


def write_judged(comparison: Comparison, recording: Path, reference: Path, out: Path) -> Path:
    """Write the page to `out` and return it; raises `OSError` if it cannot be written.

    Args:
        comparison: the comparison of the two.
        recording: the one judged.
        reference: the one it was compared with.
        out: the page.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    verdict, first = verdict_of(comparison).value, comparison.first_divergence
    distances = {str(lower): count for lower, count in comparison.ulp_histogram.items()}
    page = (
        templates()
        .get_template("judged.html.j2")
        .render(
            title=f"{verdict} · {recording.name} against {reference.name}",
            worst=verdict,
            style=style(),
            verdict=verdict,
            sentence=sentence_of(comparison),
            comparison=comparison,
            recording=str(recording),
            reference=str(reference),
            named=NAMED,
            drawings=drawings("distances", partial(draw_distances, distances)),
            article={
                "ours": "recording",
                "first": _divergence(first) if first else None,
                "likely_cause": "",
                "bits": _bits(first),
                "ladder": (),
            },
        )
    )
    out.write_text(page, encoding="utf-8")
    return out


def _divergence(first: FirstDivergence) -> ShownDivergence:
    ours, theirs = first.values or tuple(f"sha256 {digest}" for digest in first.digests)
    place = first.place
    return ShownDivergence(place.step, place.microbatch, first.party, place.tensor, first.index, ours, theirs)


def _bits(first: FirstDivergence | None) -> list[BitPair]:
    """Return the bits of both values; None if a value is unknown or not finite."""
    if first is None or first.values is None:
        return []
    try:
        return [bit_pair(*first.values)]
    except ValueError:
        return []
