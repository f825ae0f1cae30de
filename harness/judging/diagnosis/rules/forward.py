"""Rules for what crosses the cuts: activations, the loss, and their gradients."""

from harness.judging.diagnosis.cause import Cause, Diagnosis
from harness.judging.diagnosis.evidence import Evidence
from harness.judging.diagnosis.numbers import (
    along,
    constant_ratio,
    cosine,
    is_sparse,
    relative_error,
    rounded_to,
    words_of,
)

__all__ = ["RULES"]

ACTIVATIONS = ("smashed", "features")
# Sums in another order are this close; other inputs have nothing to do with each other.
ROUNDING, UNRELATED, AKIN = 1e-6, 0.7, 0.9
# As after rounding to eleven bits; what is dropped, masked or scaled otherwise differs by more.
NARROW = 1e-3
# A factor that is one but for rounding.
HARDLY = 0.01
# A position that is right, and one that is wrong.
RIGHT, WRONG = 1e-5, 1e-3


def stale(evidence: Evidence) -> Diagnosis | None:
    """A tensor is the reference's own of another microbatch or step."""
    place = evidence.place
    if place.microbatch is None:
        return None
    mine = evidence.ours[place]
    other = next((o for o in evidence.theirs if o.tensor == place.tensor and evidence.theirs[o] == mine), None)
    if other is None:
        return None
    where = f"microbatch {other.microbatch} of step {other.step}"
    return Diagnosis(Cause.STALE, f"{place} is that of {where}: a buffer or a reply was used again")


def passed_on(evidence: Evidence) -> Diagnosis | None:
    """The trunk answers with the gradient that it was sent."""
    place = evidence.place
    if place.tensor != "smashed_grad":
        return None
    sent = evidence.at("features_grad", microbatch=place.microbatch)
    if evidence.ours[place] != evidence.ours.get(sent):
        return None
    return Diagnosis(Cause.PASSED_ON, f"{place} is the gradient of the features: the trunk did not differentiate")


def recomputed(evidence: Evidence) -> Diagnosis | None:
    """A gradient differs whose forward pass was computed again."""
    place = evidence.place
    again = any(
        event.point == "trunk.graph.recomputed" and (event.step, event.microbatch) == (place.step, place.microbatch)
        for event in evidence.facts.events
    )
    if place.tensor != "smashed_grad" or not again:
        return None
    return Diagnosis(
        Cause.RECOMPUTED,
        f"{place} differs and its features do not: the forward pass was computed again, with other random numbers",
    )


def rounded(evidence: Evidence) -> Diagnosis | None:
    """All elements fit into a narrower type, or none is beyond a bound that many have."""
    place = evidence.place
    judged, reference = (evidence.loaded(place, of_reference=side) for side in (False, True))
    if place.microbatch is None or judged is None or reference is None or judged.shape != reference.shape:
        return None
    if name := rounded_to(judged, reference):
        return Diagnosis(Cause.ROUNDED, f"every element of {place} is a {name}: it was rounded on its way")
    bound, wrong = judged.abs().max(), judged[judged != reference].abs()
    if len(wrong) > 1 and bool((wrong == bound).all()):
        return Diagnosis(Cause.ROUNDED, f"where {place} differs, it is {float(bound):.3g} in size: it was clamped")
    return None


def scaled(evidence: Evidence) -> Diagnosis | None:
    """A gradient is a multiple of what it should be."""
    if evidence.tensors is None or evidence.place.tensor not in ("features_grad", "smashed_grad"):
        return None
    ratio = constant_ratio(evidence.tensors)
    if ratio is None or abs(ratio - 1) < HARDLY:
        return None
    if not ratio:
        return Diagnosis(Cause.LOST, f"{evidence.place} is zero: the gradient was lost")
    return Diagnosis(Cause.SCALED, f"{evidence.place} is {words_of(ratio)} the reference's, and the loss is right")


def changed_within_the_step(evidence: Evidence) -> Diagnosis | None:
    """A gradient differs though earlier ones, and its own features, are right."""
    place = evidence.place
    earlier = [other for other in evidence.theirs if other.tensor == "smashed_grad" and other.order < place.order]
    if place.tensor != "smashed_grad" or not earlier:
        return None
    return Diagnosis(
        Cause.MIDSTEP,
        f"the features of {place} are right, its gradient is not: weights changed between forward and backward pass",
    )


def loss(evidence: Evidence) -> Diagnosis | None:
    """The loss differs, and the features do not."""
    place, step = evidence.place, evidence.first.step
    if place.tensor != "loss":
        return None
    ours, theirs = (
        next((int(line["tokens"]) for line in lines if line["step"] == step), 0)
        for lines in (evidence.facts.split_steps, evidence.facts.reference_steps)
    )
    if ours != theirs:
        return Diagnosis(Cause.LABELS, f"step {step} counts {ours} target tokens, the reference {theirs}: other labels")
    gradients = evidence.pair(evidence.at("features_grad", microbatch=place.microbatch))
    ratio = constant_ratio(gradients) if gradients else None
    if ratio is not None and abs(ratio - 1) > HARDLY:
        return Diagnosis(
            Cause.LOSS_SCALE,
            f"the gradient of {place} is {words_of(ratio)} the reference's: the loss is divided by another number",
        )
    return Diagnosis(Cause.LABELS, f"{place} differs and the features do not: other labels, or another loss")


def masked(evidence: Evidence) -> Diagnosis | None:
    """Sequences are right up to some position, or only at their end."""
    if evidence.tensors is None or evidence.place.tensor not in ACTIVATIONS:
        return None
    errors = along(evidence.tensors)
    if all(row[0] == 0 for row in errors):
        return Diagnosis(
            Cause.ATTENTION,
            f"the first token of every sequence is right in {evidence.place}, and not those that attend to others: "
            "attention is masked or weighted otherwise",
        )
    if any(row[-1] < RIGHT and min(row[:-1]) > WRONG for row in errors):
        return Diagnosis(
            Cause.ATTENTION, f"only the last token is right in {evidence.place}: tokens attend to later ones"
        )
    return None


def shape(evidence: Evidence) -> Diagnosis | None:
    """An activation has another shape."""
    place = evidence.place
    kept = all(evidence.loaded(place, of_reference=side) is not None for side in (False, True))
    if place.tensor not in ACTIVATIONS or not kept or evidence.tensors is not None:
        return None
    return Diagnosis(Cause.INPUT, f"{place} has another shape: other sequences")


def nearly_right(evidence: Evidence) -> Diagnosis | None:
    """An activation is right but for rounding."""
    if evidence.tensors is None or evidence.place.tensor not in ACTIVATIONS:
        return None
    error = relative_error(evidence.tensors)
    if error < ROUNDING:
        return Diagnosis(Cause.ORDER, f"{evidence.place} is right but for rounding: the same sums in another order")
    if error < NARROW:
        return Diagnosis(
            Cause.ROUNDED, f"{evidence.place} differs by {error:.1g} of its size: rounded, or its input was"
        )
    return None


def activations(evidence: Evidence) -> Diagnosis | None:
    """A stage computes something else, from its own input or another."""
    place = evidence.place
    if evidence.tensors is None or place.tensor not in ACTIVATIONS:
        return None
    alike = cosine(*evidence.tensors)
    dropped = is_sparse(evidence.tensors) and evidence.facts.scenario.config.dropout != 0
    if alike < UNRELATED or (alike < AKIN and not dropped):
        return Diagnosis(Cause.INPUT, f"{place} has little in common with the reference's: another input")
    if dropped:
        return Diagnosis(
            Cause.RANDOMNESS, f"few elements of {place} differ by much: other elements were dropped, or none"
        )
    error, stage = relative_error(evidence.tensors), evidence.first.stage
    return Diagnosis(Cause.ARITHMETIC, f"{place} differs by {error:.2g} of its size: the {stage} computes otherwise")


def other_gradient(evidence: Evidence) -> Diagnosis | None:
    """A gradient at a cut differs, and no pattern is known."""
    if evidence.place.tensor not in ("features_grad", "smashed_grad"):
        return None
    what = "rounding" if evidence.tensors and relative_error(evidence.tensors) < ROUNDING else "arithmetic"
    cause = Cause.ORDER if what == "rounding" else Cause.ARITHMETIC
    return Diagnosis(cause, f"{evidence.place} differs, and all before it is right: another {what}")


RULES = (
    stale,
    passed_on,
    recomputed,
    rounded,
    scaled,
    changed_within_the_step,
    loss,
    shape,
    nearly_right,
    masked,
    activations,
    other_gradient,
)
