"""The model learns: the loss falls below a stated value."""

import math
from statistics import mean

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_convergence"]

LAST_STEPS = 10


@register_check
def check_convergence(facts: RunFacts) -> CheckResult:
    """Check that the mean loss of the last ten steps is below the scenario's value; N/A if it states none.

    A step without a loss makes the mean NaN, which is below nothing.
    """
    losses = [math.nan if step["loss"] is None else step["loss"] for step in facts.split_steps]
    limit = facts.scenario.loss_below
    if not limit:
        return CheckResult("convergence", 0, "no value is stated that the loss must fall below", applies=False)
    if len(losses) < LAST_STEPS:
        return CheckResult("convergence", 0, f"only {len(losses)} losses; the last {LAST_STEPS} are judged")
    last = mean(losses[-LAST_STEPS:])
    findings = [] if last < limit else [Finding(f"the loss is {last:.4f} nats, not below {limit}")]
    summary = f"the loss fell from {losses[0]:.4f} to {last:.4f} nats; below {limit} was asked"
    return CheckResult("convergence", len(losses), summary, findings, {"first loss": losses[0], "last loss": last})
