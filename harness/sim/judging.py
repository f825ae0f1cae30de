"""Judges a run with faults without a run folder, by the digests of an undisturbed run with the reference's bits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.judging.facts import RunFacts
from harness.judging.judge import Judgement, apply, names_of, verdict_of
from harness.oracle.compare import RunFiles
from harness.plan.other_clients import SESSION
from harness.plan.scenario import Scenario
from harness.sim.outcome import Outcome
from harness.sim.parties import SAVE_DIR
from harness.sim.parts import load_parts
from harness.sim.simulation import Simulation
from harness.trace.simulated_world import SimulatedWorld
from harness.trace.verdict import CheckResult, Finding
from splitlearn.runtime import Disk

__all__ = ["Undisturbed", "can_be_judged_by_digests", "judged_by_digests"]

# Invariants whose violation means that bits differ.
OF_BITS = ("bits", "final state")


@dataclass(frozen=True)
class Undisturbed:
    """An undisturbed run whose bits equal the reference's.

    Attributes:
        outcome: the run's outcome, with the digests of all tensors.
        reference: the reference's files.
        steps: the reference's metrics, one entry per step.
    """

    outcome: Outcome
    reference: RunFiles
    steps: Sequence[Mapping[str, Any]]


def can_be_judged_by_digests(scenario: Scenario) -> bool:
    """Return whether digests suffice: the scenario has faults, and one client, for others have facts of their own."""
    return bool(scenario.faults) and not scenario.other_clients


def judged_by_digests(scenario: Scenario, known: Undisturbed, seed: int) -> Judgement:
    """Simulate a scenario and apply all of its checks.

    The digest of every tensor, as it is computed, and the last checkpoints are compared with the undisturbed run's.

    Args:
        scenario: what to run.
        known: the same run without faults.
        seed: seed of the choice tape.
    """
    world = Simulation(scenario, load_parts, seed, known.outcome)
    outcome = world.run()
    told = str(outcome.violation or "")
    client, trunk = (world.disks[name].disk for name in ("client", "trunk"))
    facts = RunFacts(
        scenario=scenario,
        events=outcome.events,
        problem=outcome.problem,
        split_steps=_metrics(client),
        reference_steps=known.steps,
        split=RunFiles((), ()),
        reference=known.reference,
        traffic=None,
        halves={"client": _halves(client, "client"), "trunk": _halves(trunk, "trunk")},
        world=SimulatedWorld(seed, len(outcome.events), outcome.trace_hash, told),
    )
    checks = tuple(
        _equivalence(outcome, known.outcome) if name == "equivalence" else apply(name, facts)
        for name in names_of(facts)
    )
    return Judgement(verdict_of(checks), checks)


def _equivalence(outcome: Outcome, known: Outcome) -> CheckResult:
    compared = sum(bits.compared for bits in outcome.bits.values())
    violation = outcome.violation
    findings = [Finding(str(violation))] if violation and violation.invariant in OF_BITS else []
    summary = f"{compared} tensors have the bits of the undisturbed run, which are the reference's"
    # A run that stopped early has not compared all tensors.
    missing = (
        "" if all(len(outcome.bits[key]) >= len(bits) for key, bits in known.bits.items()) else "not all were computed"
    )
    return CheckResult("equivalence", compared, summary, findings, {"tensors": compared}, void_because=missing)


def _metrics(disk: Disk) -> list[dict[str, Any]]:
    """Return the client's metrics: the last entry of each step."""
    path = SAVE_DIR / SESSION / "client" / "metrics.jsonl"
    lines = disk.read(path).splitlines() if disk.exists(path) else []
    last = {line["step"]: line for line in map(json.loads, lines)}
    return [last[step] for step in sorted(last)]


def _halves(disk: Disk, side: str) -> int:
    """Return the number of checkpoint halves on a side's disk."""
    names = map(Path, disk.names(SAVE_DIR / SESSION / side))
    return sum(name.match("step-*.safetensors") for name in names)
