"""Neither party ever needs much more memory than the single process, which holds the whole model."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_peak_memory"]

MIB = 1 << 20
# What networking costs beyond one process: gRPC, and messages in flight in both forms.
ALLOWANCE_MIB = 64


@register_check
def check_peak_memory(facts: RunFacts) -> CheckResult:
    """Compare each party's peak with the reference's plus an allowance, at the trunk one for each of its clients.

    All microbatches of a step are in flight together, while the single process has one at a time: each party keeps at
    most the graphs of the others, and the trunk at most what its limits allow.

    N/A if strangers send to the trunk, because `hostility` bounds that memory; VOID if nothing was measured.
    """
    if "hostility" in facts.scenario.checks:
        return CheckResult("peak_memory", 0, "the check hostility bounds it here", applies=False)
    reference = max((int(step["peak_bytes"]) for step in facts.reference_steps), default=0)
    peaks = {party: max((s.peak for s in facts.memory if s.party == party), default=0) for party in ("client", "trunk")}
    measured = {party: peak for party, peak in peaks.items() if peak}
    if not reference or not measured:
        return CheckResult("peak_memory", 0, "no memory was measured")
    allowances = _allowances(facts)
    findings = [
        Finding(f"the {party} took {_mib(peak)} MiB, the single process {_mib(reference)}")
        for party, peak in measured.items()
        if peak > reference + allowances[party]
    ]
    figures = {f"{party} peak MiB": _mib(peak) for party, peak in measured.items()}
    figures["single process peak MiB"] = _mib(reference)
    summary = f"{_mib(max(measured.values()))} MiB at most, the single process {_mib(reference)} MiB"
    return CheckResult("peak_memory", len(measured), summary, findings, figures)


def _allowances(facts: RunFacts) -> dict[str, int]:
    """Return how many bytes more than the single process each party may use."""
    config, steps = facts.scenario.config, facts.reference_steps
    waiting = max((int(step["microbatches"]) - 1) * int(step["graph_bytes"]) for step in steps)
    clients = 1 + len(facts.scenario.other_clients)
    network = ALLOWANCE_MIB * MIB
    return {"client": network + waiting, "trunk": clients * (network + min(waiting, config.max_pending_bytes))}


def _mib(nbytes: int) -> int:
    return round(nbytes / MIB)
