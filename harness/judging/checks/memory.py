"""Neither party's memory grows with the steps."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.judging.memory_growth import growth_with_steps
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_memory"]

# Less than the smallest tensor that a microbatch sends (2 x 40 x 64 float32), so that leaking one per step is found.
MOST_BYTES_PER_STEP = 16_384.0
LEAST_SAMPLES = 100


@register_check
def check_memory(facts: RunFacts) -> CheckResult:
    """Fit the growth of each party's resident memory; VOID if there are too few samples."""
    findings, figures, counts = [], {}, []
    for party in ("client", "trunk"):
        growth, count = growth_with_steps([sample for sample in facts.memory if sample.party == party])
        counts.append(count)
        figures[f"{party} growth B/step"] = round(growth, 1)
        if growth > MOST_BYTES_PER_STEP:
            findings.append(Finding(f"the {party} grows by {growth:.0f} bytes a step"))
    if min(counts) < LEAST_SAMPLES:
        return CheckResult("memory", 0, f"only {min(counts)} samples of a party; {LEAST_SAMPLES} are needed")
    summary = ", ".join(f"{name} {value:g}" for name, value in figures.items())
    return CheckResult("memory", sum(counts), summary, findings, figures)
