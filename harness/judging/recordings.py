"""Turns the comparison of two recordings into PASS, FAIL or VOID, and one sentence that says why."""

from harness.oracle.comparison import Comparison, FirstDivergence
from harness.oracle.digests import FINAL
from harness.oracle.exactness import BITWISE
from harness.trace.verdict import Verdict

__all__ = ["place_of", "sentence_of", "verdict_of"]


def verdict_of(comparison: Comparison) -> Verdict:
    """Judge a comparison.

    FAIL if a tensor does not agree or is on one side only. VOID if nothing was compared; if a tolerance was given, but
    only digests were kept of every tensor that differs; or if a recording is incomplete.
    """
    if comparison.empty or not comparison.compared:
        return Verdict.VOID
    if comparison.disagreeing or comparison.only_in_recording or comparison.only_in_reference:
        return Verdict.FAIL
    return Verdict.VOID if _nothing_whole(comparison) or comparison.incomplete else Verdict.PASS


def sentence_of(comparison: Comparison) -> str:
    """Return in one sentence what was found."""
    verdict = verdict_of(comparison)
    if verdict is Verdict.PASS:
        return _agrees(comparison)
    return _disagrees(comparison) if verdict is Verdict.FAIL else _shows_nothing(comparison)


def place_of(first: FirstDivergence) -> str:
    """Return a divergence's place in words: step, microbatch, party, tensor and index, as far as they are known."""
    place = first.place
    parts = ["after the last step" if place.step == FINAL else f"step {place.step}"]
    parts += [] if place.microbatch is None else [f"microbatch {place.microbatch}"]
    index = f" [{', '.join(map(str, first.index))}]" if first.index else ""
    return ", ".join([*parts, first.party, place.tensor + index])


def _agrees(comparison: Comparison) -> str:
    if comparison.exactness == BITWISE:
        return f"All {comparison.compared:,} compared tensors have the reference's bits."
    undecided = f"; of another {comparison.undecided:,} that differ only digests were kept, so they were not compared"
    return (
        f"All {comparison.compared:,} compared tensors agree within {comparison.exactness}: {comparison.identical:,} "
        f"have the reference's bits, {comparison.tolerated:,} differ and are close"
        f"{undecided if comparison.undecided else ''}."
    )


def _disagrees(comparison: Comparison) -> str:
    counts, exactness = f"{comparison.compared:,} compared tensors", comparison.exactness
    if comparison.first_divergence:
        where = place_of(comparison.first_divergence)
        return f"{comparison.disagreeing:,} of {counts} do not agree ({exactness}); the first is at {where}."
    lacking = len(comparison.only_in_recording) + len(comparison.only_in_reference)
    return f"All {counts} agree ({exactness}), but {lacking:,} are in one recording only."


def _shows_nothing(comparison: Comparison) -> str:
    if comparison.empty:
        return f"Nothing was compared: there is no tensor in {' and '.join(comparison.empty)}."
    if not comparison.compared and not comparison.undecided:
        return "Nothing was compared: the recordings have no tensor in common."
    if _nothing_whole(comparison):
        return (
            f"{comparison.undecided:,} tensors differ and were kept as digests only, to which no tolerance can be "
            f"applied ({comparison.exactness}); record them whole, with record_steps."
        )
    return (
        f"All {comparison.compared:,} compared tensors agree ({comparison.exactness}), but "
        f"{' and '.join(comparison.incomplete)} is incomplete: the training did not reach the end of its recording."
    )


def _nothing_whole(comparison: Comparison) -> bool:
    return bool(comparison.undecided and not comparison.whole)
