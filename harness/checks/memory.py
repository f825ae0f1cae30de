"""Neither party's memory grows with the steps."""

from harness.facts import RunFacts
from harness.memory import slope
from harness.verdict import CheckResult, Finding

__all__ = ["check_memory"]

# A tenth of what one step of the smallest scenario sends: anything that is kept a step would be more.
MOST_BYTES_PER_STEP = 8192.0
LEAST_SAMPLES = 20


def check_memory(facts: RunFacts) -> CheckResult:
    """Fit the growth of each party's resident memory; VOID where there are too few samples to say."""
    findings, figures, counts = [], {}, []
    for party in ("client", "trunk"):
        growth, count = slope([sample for sample in facts.memory if sample.party == party])
        counts.append(count)
        figures[f"{party} growth B/step"] = round(growth, 1)
        if growth > MOST_BYTES_PER_STEP:
            findings.append(Finding(f"the {party} grows by {growth:.0f} bytes a step"))
    too_few = f"only {min(counts)} samples" if min(counts) < LEAST_SAMPLES else ""
    summary = ", ".join(f"{name} {value:g}" for name, value in figures.items())
    return CheckResult("memory", sum(counts), summary, findings, figures, void_because=too_few)
