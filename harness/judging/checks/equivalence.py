"""Every loss, gradient, weight and optimizer state equals the reference's bit for bit."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_equivalence"]


@register_check
def check_equivalence(facts: RunFacts) -> CheckResult:
    """Compare everything that was recorded; VOID if there was nothing to compare, or the run ended early."""
    missing = facts.missing_files
    if missing:
        return CheckResult("equivalence", 0, f"nothing was compared: {missing[0].name} is missing")
    equivalence = facts.equivalence
    findings = [Finding(f"recorded on one side only: {name}") for name in equivalence.missing[:10]]
    first = equivalence.first_divergence
    if first:
        where = {name: value for name, value in vars(first).items() if value is not None}
        findings.insert(0, Finding(f"first divergence: {first.tensor} of the {first.stage}", where))
    findings += _losses_that_differ(facts)
    return CheckResult(
        "equivalence",
        equivalence.compared,
        f"{equivalence.compared - equivalence.differing} of {equivalence.compared} tensors have the reference's bits",
        findings,
        {
            "tensors": equivalence.compared,
            "differing": equivalence.differing,
            "worst ulp": "not finite" if equivalence.worst_ulp is None else equivalence.worst_ulp,
            **_as_others_would_compare(equivalence.weights_close),
        },
        void_because=f"the run ended after {facts.ended_at} steps: the rest, and the final weights, were not compared"
        if facts.ended_at is not None
        else "",
    )


def _as_others_would_compare(close: bool | None) -> dict[str, str]:  # noqa: FBT001 - the only thing to be told
    """Return whether the final weights would pass the usual comparison, if there are any."""
    return {} if close is None else {"allclose": "yes" if close else "no"}


def _losses_that_differ(facts: RunFacts) -> list[Finding]:
    """Compare what users see of each step: loss, gradient norm, learning rate, and whether it was skipped."""
    compared = ("loss", "grad_norm", "learning_rate", "tokens", "skipped")
    lines = {line["step"]: line for line in facts.split_steps}
    for theirs in facts.reference_steps[: facts.ended_at]:
        step = theirs["step"]
        if step not in lines:
            return [Finding(f"the metrics have no line of step {step}", {"step": step})]
        ours = lines[step]
        for name in compared:
            if ours[name] != theirs[name]:
                where = {"step": ours["step"], "split": ours[name], "reference": theirs[name]}
                return [Finding(f"{name} of step {ours['step']} differs", where)]
    return []
