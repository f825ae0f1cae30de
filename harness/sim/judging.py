"""Judges a run with faults without a folder: by the digests of an undisturbed one that has the reference's bits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.judging.facts import RunFacts
from harness.judging.judge import Judgement, apply, names_of, verdict_of
from harness.oracle.compare import RunFiles
from harness.plan.scenario import Scenario
from harness.sim.parts import load_parts
from harness.sim.simulation import SAVE_DIR, SESSION, Outcome, Simulation
from harness.trace.simulated_world import SimulatedWorld
from harness.trace.verdict import CheckResult, Finding
from splitlearn.runtime import Disk

__all__ = ["Undisturbed", "can_be_judged_by_digests", "judged_by_digests"]

# Invariants that say that some bit is another.
OF_BITS = ("bits", "final state")


@dataclass(frozen=True)
class Undisturbed:
    """An undisturbed run with the reference's bits.

    Attributes:
        outcome: with every tensor's digest.
        reference: files of the reference.
        steps: the reference's metrics.
    """

    outcome: Outcome
    reference: RunFiles
    steps: Sequence[Mapping[str, Any]]


def can_be_judged_by_digests(scenario: Scenario) -> bool:
    """Return whether there is an undisturbed run to compare with; of two clients the trunk's tensors look alike."""
    return bool(scenario.faults) and scenario.second_client is None


def judged_by_digests(scenario: Scenario, known: Undisturbed, seed: int) -> Judgement:
    """Run a scenario and apply all of its checks.

    Every tensor's digest is compared, as it is computed, with the undisturbed run's, and so are the last checkpoints.

    Args:
        scenario: what to run.
        known: the run without its faults.
        seed: of everything that the world draws.
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
    # A world that stopped early has not compared everything.
    missing = (
        "" if all(len(outcome.bits[key]) >= len(bits) for key, bits in known.bits.items()) else "not all were seen"
    )
    return CheckResult("equivalence", compared, summary, findings, {"tensors": compared}, void_because=missing)


def _metrics(disk: Disk) -> list[dict[str, Any]]:
    """Return the client's metrics: the last entry of each step."""
    path = SAVE_DIR / SESSION / "client" / "metrics.jsonl"
    lines = disk.read(path).splitlines() if disk.exists(path) else []
    last = {line["step"]: line for line in map(json.loads, lines)}
    return [last[step] for step in sorted(last)]


def _halves(disk: Disk, side: str) -> int:
    """Count the checkpoint halves that a side has kept."""
    names = map(Path, disk.names(SAVE_DIR / SESSION / side))
    return sum(name.match("step-*.safetensors") for name in names)
