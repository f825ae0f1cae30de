"""Rules for accumulated gradients: everything that crossed the cuts is right."""

from harness.judging.diagnosis.cause import Cause, Diagnosis
from harness.judging.diagnosis.evidence import Evidence
from harness.judging.diagnosis.numbers import constant_ratio, cosine, relative_error, words_of
from harness.oracle.layouts import token_embedding

__all__ = ["RULES"]

ROUNDING = 1e-6
# Relative errors of rounding to 11 or 8 bits, with room for sums.
NARROW = 5e-3
ALONG = 0.99
# A factor that is one but for rounding.
HARDLY = 0.01


def tied(evidence: Evidence) -> Diagnosis | None:
    """Only the token embedding's gradient differs."""
    if evidence.kind not in ("gradient", "updated weight"):
        return None
    names = [place.tensor for place in evidence.theirs if place.quantity == "gradient"]
    if not names or evidence.differing != [token_embedding(names)]:
        return None
    what = "gradient" if evidence.kind == "gradient" else "update"
    error = relative_error(evidence.tensors) if evidence.tensors else 1.0
    how = "summed in another order" if error < ROUNDING else "lost, or applied twice"
    return Diagnosis(
        Cause.TIED,
        f"of all {what}s in step {evidence.first.step} only that of {evidence.name} differs, which head and embedding "
        f"share: one of its two contributions is {how}",
    )


def multiple(evidence: Evidence) -> Diagnosis | None:
    """The gradient is a multiple of what it should be."""
    if evidence.kind != "gradient" or evidence.tensors is None:
        return None
    ratio = constant_ratio(evidence.tensors)
    if ratio is None or abs(ratio - 1) < HARDLY:
        return None
    of = f"gradients of the {evidence.first.stage} are"
    if not ratio:
        return Diagnosis(Cause.LOST, f"{of} zero in step {evidence.first.step}: they were lost")
    sentence = f"{of} {words_of(ratio)} the reference's from step {evidence.first.step} on"
    if ratio > 1 and abs(ratio - round(ratio)) < HARDLY:
        return Diagnosis(Cause.DOUBLED, f"{sentence}: a backward pass was accumulated {round(ratio)} times")
    return Diagnosis(Cause.SCALED, sentence)


def left_over(evidence: Evidence) -> Diagnosis | None:
    """What is too much is the gradient of the step before."""
    if evidence.kind != "gradient" or evidence.tensors is None or not evidence.first.step:
        return None
    before = evidence.pair(evidence.at(evidence.place.tensor, step=evidence.first.step - 1))
    if before is None or cosine(evidence.tensors[0] - evidence.tensors[1], before[0]) < ALONG:
        return None
    return Diagnosis(
        Cause.LEFT_OVER,
        f"gradients of the {evidence.first.stage} in step {evidence.first.step} contain those of the step before: they "
        "were not cleared",
    )


def lost(evidence: Evidence) -> Diagnosis | None:
    """A gradient differs in a step in which a backward pass failed, or is not there."""
    if evidence.kind != "gradient":
        return None
    step = evidence.first.step
    missing = [
        place
        for place in evidence.theirs
        if place.step == step and place.quantity == "gradient" and place not in evidence.ours
    ]
    if missing:
        return Diagnosis(Cause.LOST, f"step {step} has no gradient of {missing[0].tensor}")
    begun, ended = (
        next((event.t for event in evidence.facts.events if (event.point, event.step) == (point, step)), 0.0)
        for point in ("client.step.started", "client.commit.decided")
    )
    failed = any(
        event.point == "client.call.failed" and event.fields.get("method") == "Backward" and begun < event.t < ended
        for event in evidence.facts.events
    )
    if failed and evidence.first.stage == "bottom":
        return Diagnosis(
            Cause.LOST, f"a backward call failed in step {step}, and the bottom lacks what it would answer"
        )
    return None


def accumulated(evidence: Evidence) -> Diagnosis | None:
    """The sum over the microbatches differs."""
    if evidence.kind != "gradient":
        return None
    sentence = (
        f"gradients of the {evidence.first.stage} differ from step {evidence.first.step} on, and all that crossed "
    )
    if evidence.tensors is None:
        return Diagnosis(Cause.ACCUMULATION, sentence + "the cuts is right")
    error = relative_error(evidence.tensors)
    if error < ROUNDING:
        return Diagnosis(Cause.ORDER, sentence + "the cuts is right: the same sums in another order")
    if error < NARROW:
        return Diagnosis(Cause.ROUNDED, sentence + f"the cuts is right: rounded, by {error:.1g} of their size")
    return Diagnosis(Cause.ACCUMULATION, sentence + "the cuts is right: microbatches are added up otherwise")


RULES = (tied, multiple, left_over, lost, accumulated)
