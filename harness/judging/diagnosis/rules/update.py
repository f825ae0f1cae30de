"""Rules for norms, rates, coefficients and updates: every gradient is right."""

from harness.judging.diagnosis.cause import Cause, Diagnosis
from harness.judging.diagnosis.evidence import Evidence, Pair
from harness.judging.diagnosis.numbers import constant_ratio, relative_error, words_of
from harness.oracle.digests import Place

__all__ = ["RULES"]

ROUNDING = 1e-6
# Adam divides a gradient by its own size, so that another scale of it hardly shows.
HARDLY = 0.02
ADAMS = ("adam", "adamw")


def norm(evidence: Evidence) -> Diagnosis | None:
    """Gradients are right, and a norm is not."""
    if evidence.kind == "norm":
        return Diagnosis(Cause.NORM, f"the gradient of {evidence.name} is right, its norm is not")
    if evidence.kind == "number" and evidence.differs(evidence.at("client/grad_norm")):
        return Diagnosis(
            Cause.NORM,
            f"every gradient's norm is right, the norm over all of them is not in step {evidence.first.step}",
        )
    return None


def number(evidence: Evidence) -> Diagnosis | None:
    """A party updates with another number."""
    if evidence.kind != "number":
        return None
    party, _, name = evidence.place.tensor.partition("/")
    sentence = f"the {party} updates with another {name.replace('_', ' ')} from step {evidence.first.step} on"
    if name != "learning_rate":
        return Diagnosis(Cause.CLIPPING, f"{sentence}, and the norm is right")
    mine = evidence.ours[evidence.place]
    same = [o.step for o in evidence.theirs if o.tensor == evidence.place.tensor and evidence.theirs[o] == mine]
    return Diagnosis(Cause.RATE, sentence + (f": that of step {same[0]}" if same else ""))


def not_applied(evidence: Evidence) -> Diagnosis | None:
    """Weights stay what they were."""
    if evidence.kind != "updated weight":
        return None
    step = evidence.first.step
    still = [name for name in evidence.differing if any(_stays(evidence, name, s) for s in (step, step + 1))]
    if not still:
        return None
    stage = evidence.first.stage
    many = f"{len(still)} weights of the {stage}, {still[0]} first, do not change in an update from step {step} on"
    return Diagnosis(Cause.NOT_APPLIED, f"{many}: it is not applied, or applied to no gradient")


def _stays(evidence: Evidence, name: str, step: int) -> bool:
    before, after = (Place(s, None, f"weight/{name}") for s in (step - 1, step))
    known = all(place in side for side in (evidence.ours, evidence.theirs) for place in (before, after))
    return known and evidence.ours[before] == evidence.ours[after] and evidence.theirs[before] != evidence.theirs[after]


def rate(evidence: Evidence) -> Diagnosis | None:
    """An update is a multiple of what it should be."""
    if evidence.kind != "updated weight":
        return None
    step = evidence.first.step
    rates = [float(line["learning_rate"]) for line in evidence.facts.reference_steps if line["step"] == step]
    sentence = f"gradients and norms are right, and the {evidence.first.stage}'s update of step {step} is"
    if rates == [0.0]:
        return Diagnosis(Cause.RATE, f"{sentence} not zero, as the learning rate is: another rate")
    moved = _moved(evidence)
    ratio = constant_ratio(moved) if moved else None
    if ratio is None or abs(ratio - 1) < HARDLY:
        return None
    return Diagnosis(Cause.RATE, f"{sentence} {words_of(ratio)} the reference's: another learning rate")


def decay(evidence: Evidence) -> Diagnosis | None:
    """Only matrices differ, or only norms and biases."""
    if evidence.kind != "updated weight":
        return None
    wrong = {evidence.dimensions(name) > 1 for name in evidence.differing}
    others = {evidence.dimensions(name) > 1 for name in evidence.siblings if name not in evidence.differing}
    # What is zero cannot decay, so some biases may be right.
    if (wrong, others) not in (({True}, {False}), ({False}, {True}), ({False}, {True, False})):
        return None
    which = "matrices, which decay," if wrong == {True} else "norms and biases, which do not decay,"
    return Diagnosis(
        Cause.DECAY,
        f"gradients and norms are right, and in step {evidence.first.step} only {which} differ in the "
        f"{evidence.first.stage}: another weight decay",
    )


def clipping(evidence: Evidence) -> Diagnosis | None:
    """With Adam, a gradient of another scale hardly changes an update."""
    moved = _moved(evidence) if evidence.kind == "updated weight" else None
    if moved is None or evidence.facts.scenario.config.optimizer_type not in ADAMS:
        return None
    if not ROUNDING < relative_error(moved) < HARDLY:
        return None
    return Diagnosis(
        Cause.CLIPPING,
        f"gradients are right, and the {evidence.first.stage}'s update of step {evidence.first.step} differs by "
        f"{relative_error(moved):.1g} of its size, as where gradients have another scale: another clip coefficient",
    )


def optimizer(evidence: Evidence) -> Diagnosis | None:
    """An update differs, and no pattern is known."""
    if evidence.kind not in ("updated weight", "updated optimizer state"):
        return None
    return Diagnosis(
        Cause.OPTIMIZER,
        f"gradients, norms, rate and coefficient are right, the {evidence.first.stage}'s update of step "
        f"{evidence.first.step} is not: the optimizer has other settings or moments",
    )


def _moved(evidence: Evidence) -> Pair | None:
    """Return by how much the first weight that differs was changed."""
    before = evidence.before()
    if evidence.tensors is None or before is None:
        return None
    return evidence.tensors[0] - before, evidence.tensors[1] - before


RULES = (norm, number, not_applied, rate, decay, clipping, optimizer)
