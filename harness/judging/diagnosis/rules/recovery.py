"""Rules for what a crash, a skipped step or another client brings about."""

from harness.judging.diagnosis.cause import Cause, Diagnosis
from harness.judging.diagnosis.evidence import Evidence
from harness.oracle.digests import FINAL, Place
from harness.recorder.digest import digest

__all__ = ["RULES"]

OPENED = ("client.session.opened", "trunk.session.opened")
# What of a checkpoint shows first in which quantity.
SHOWS = {
    "boundary": "its weights, data or random numbers are",
    "loss": "its weights, data or random numbers are",
    "gradient": "its gradients are",
    "norm": "its gradients are",
    "number": "its schedule is",
    "updated weight": "its optimizer state is",
}


def mixed_sessions(evidence: Evidence) -> Diagnosis | None:
    """A trunk of several clients computes something else for one of them."""
    others = len(evidence.facts.scenario.other_clients)
    if not others or evidence.first.stage != "trunk":
        return None
    return Diagnosis(
        Cause.SESSIONS,
        f"{evidence.place} of the trunk differs while {1 + others} clients train: their sessions are mixed up",
    )


def not_restored(evidence: Evidence) -> Diagnosis | None:
    """All is right up to the step at which both sides went back to a checkpoint."""
    first = evidence.first
    resumed = {event.step for event in evidence.facts.events if event.point in OPENED and event.step}
    if first.step not in resumed:
        return None
    what = SHOWS.get(evidence.kind, "something is")
    return Diagnosis(
        Cause.RESTORED,
        f"step {first.step} is the first after going back to the checkpoint of step {first.step}, and {first.tensor} "
        f"of the {first.stage} differs in it: {what} not what was saved",
    )


def wrong_checkpoint(evidence: Evidence) -> Diagnosis | None:
    """Every update is right, and the last checkpoint is not."""
    first = evidence.first
    if first.step != FINAL:
        return None
    final = evidence.final(first.tensor)
    place = f"weight/{evidence.name}"
    saved = "" if final is None else digest(final)
    steps = [where.step for where, known in evidence.theirs.items() if where.tensor == place and known == saved]
    of = f", those of step {steps[-1]}" if steps else ""
    return Diagnosis(
        Cause.CHECKPOINT,
        f"every update is right, but the {first.stage}'s half of the last checkpoint has another {first.tensor}{of}",
    )


def skipped_on_one_side(evidence: Evidence) -> Diagnosis | None:
    """Weights change in a step that the reference skips, or do not change where it does not."""
    first = evidence.first
    ours, theirs = (
        {int(line["step"]) for line in lines if line["skipped"]}
        for lines in (evidence.facts.split_steps, evidence.facts.reference_steps)
    )
    if first.step in ours ^ theirs or (first.step in theirs and evidence.kind == "updated weight"):
        return Diagnosis(
            Cause.SKIPPED, f"step {first.step} is skipped on one side only: {first.tensor} of the {first.stage} differs"
        )
    if evidence.kind == "gradient" and first.step - 1 in theirs:
        return Diagnosis(
            Cause.LEFT_OVER, f"gradients of the {first.stage} differ after a skipped step: its own were not dropped"
        )
    return None


def missing_microbatch(evidence: Evidence) -> Diagnosis | None:
    """A microbatch of the step was not computed."""
    step = evidence.first.step
    lacking = [
        place
        for place in evidence.theirs
        if place.step == step and place.tensor == "smashed" and place not in evidence.ours
    ]
    if not lacking:
        return None
    return Diagnosis(Cause.INPUT, f"step {step} lacks a microbatch: {_named(lacking)} of it was not computed")


def _named(places: list[Place]) -> str:
    return ", ".join(f"microbatch {place.microbatch}" for place in places)


RULES = (mixed_sessions, not_restored, wrong_checkpoint, skipped_on_one_side, missing_microbatch)
