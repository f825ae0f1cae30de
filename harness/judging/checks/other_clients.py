"""Every other client at the same trunk gets the bits of its own reference."""

from dataclasses import replace

from harness.judging.check import register_check
from harness.judging.checks.equivalence import check_equivalence
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding, Verdict

__all__ = ["check_other_clients"]


@register_check
def check_other_clients(facts: RunFacts) -> CheckResult:
    """Compare every other client's run with its own reference; N/A without one.

    VOID if nothing, or not everything, was compared for one of them, or if they did not all train at the same time.
    """
    if not facts.others:
        return CheckResult("other_clients", 0, "there was no other client", applies=False)
    results = {party: check_equivalence(other) for party, other in facts.others.items()}
    # What one client's result lacks, no other's makes up for.
    lacking = [f"{party}: {each.reading}" for party, each in results.items() if each.verdict is Verdict.VOID]
    if not _met(facts):
        lacking.append("the clients did not train at the same time")
    return CheckResult(
        "other_clients",
        sum(each.compared for each in results.values()),
        "; ".join(f"{party}: {each.summary}" for party, each in results.items()),
        [_named(party, finding) for party, each in results.items() for finding in each.findings],
        {f"{party} {name}": value for party, each in results.items() for name, value in each.figures.items()},
        void_because="; ".join(lacking),
    )


def _named(party: str, finding: Finding) -> Finding:
    return replace(finding, message=f"{party}: {finding.message}")


def _met(facts: RunFacts) -> bool:
    """Return whether every client's session had been opened before any was closed."""
    everyone = (facts, *facts.others.values())
    opened, closed = (
        [[event.t for event in each.events if event.point == point] for each in everyone]
        for point in ("trunk.session.opened", "trunk.session.closing")
    )
    first_closed = min((t for times in closed for t in times), default=float("inf"))
    return all(min(times, default=float("inf")) < first_closed for times in opened)
