"""What must hold at every event of a simulated run held."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_invariants"]


@register_check
def check_invariants(facts: RunFacts) -> CheckResult:
    """Report the first invariant that did not hold in a simulated world; N/A for real programs, which show less."""
    world = facts.world
    if world is None:
        return CheckResult("invariants", 0, "only a simulated world is seen at every event", applies=False)
    findings = [Finding(world.violation)] if world.violation else []
    summary = f"every invariant held at each of {world.events} events"
    return CheckResult(
        "invariants", world.events, summary, findings, {"events": world.events, "trace hash": world.trace_hash}
    )
