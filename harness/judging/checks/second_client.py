"""Another client at the same trunk gets the bits of its own reference."""

from dataclasses import replace

from harness.judging.check import register_check
from harness.judging.checks.equivalence import check_equivalence
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult

__all__ = ["check_second_client"]


@register_check
def check_second_client(facts: RunFacts) -> CheckResult:
    """Compare the other client's run; VOID unless the trunk had both sessions open at once; N/A without one."""
    if facts.second is None:
        return CheckResult("second_client", 0, "there was no second client", applies=False)
    found = replace(check_equivalence(facts.second), name="second_client")
    return (
        found
        if _met(facts, facts.second)
        else replace(found, void_because="the clients did not train at the same time")
    )


def _met(facts: RunFacts, second: RunFacts) -> bool:
    """Return whether each session was opened before the other was closed."""
    kinds = ("trunk.session.opened", "trunk.session.closing")
    both = sorted((*facts.events, *second.events), key=lambda event: event.t)
    return [event.point for event in both if event.point in kinds][:2] == ["trunk.session.opened"] * 2
