"""Runs a drawn training with any system, and compares it with the uncut model bit for bit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from harness.engine.materials import with_materials
from harness.oracle.compare import Equivalence, RunFiles, compare
from harness.oracle.reference import train_reference
from harness.plan.scenario import Scenario
from harness.plan.scenario_json import scenario_json
from splitlearn.config import TrainingConfig

__all__ = ["DifferenceError", "System", "judged", "require_same_bits"]

# Trains with a configuration, writes to the folder, and returns the files that it wrote.
System: TypeAlias = Callable[[TrainingConfig, Path], RunFiles]


class DifferenceError(AssertionError):
    """A drawn training's bits differ from the uncut model's; the message ends with a command that reproduces it."""


def require_same_bits(scenario: Scenario, folder: Path, system: System, failing: Path) -> Equivalence:
    """Run a drawn training and its reference, and require equal bits.

    Args:
        scenario: the training; only its settings and materials are used.
        folder: an empty folder for the files of both runs.
        system: the system under test.
        failing: file to which the scenario is written if it fails.

    Returns:
        The comparison.

    Raises:
        DifferenceError: a bit differs, a tensor is missing on one side, or nothing was compared.
    """
    equivalence = judged(scenario, folder, system)
    wrong = [f"only one side has {name}" for name in equivalence.missing]
    if equivalence.first_divergence:
        wrong.insert(0, f"first divergence: {equivalence.first_divergence}")
    if wrong or not equivalence.compared:
        failing.parent.mkdir(parents=True, exist_ok=True)
        failing.write_text(json.dumps(scenario_json(scenario), indent=2) + "\n")
        said = wrong[0] if wrong else "nothing was compared"
        raise DifferenceError(f"{said}\n{described(scenario)}\nrerun as programs: harness run --scenario {failing}")
    return equivalence


def judged(scenario: Scenario, folder: Path, system: System, record_steps: tuple[int, ...] = ()) -> Equivalence:
    """Run a drawn training and its reference, which writes to `FOLDER/reference`, and return their comparison."""
    config = with_materials(scenario, folder / "materials").config.but(save_dir=folder / "checkpoints")
    reference = folder / "reference"
    reference.mkdir()
    train_reference(config, reference, record_steps)
    expected = RunFiles((reference,), (reference / "final.safetensors",))
    return compare(system(config, folder), expected, config.cuts, skipped_steps(reference))


def skipped_steps(reference: Path) -> set[int]:
    """Return the steps that the reference in a folder skipped."""
    steps = map(json.loads, (reference / "reference.jsonl").read_text().splitlines())
    return {step["step"] for step in steps if step["skipped"]}


def described(scenario: Scenario) -> str:
    """Return a description of a drawn training: its materials and non-default settings, one per line."""
    default = TrainingConfig()
    settings = {name: getattr(scenario.config, name) for name in TrainingConfig.model_fields}
    changed = {name: value for name, value in settings.items() if value != getattr(default, name)}
    return "\n".join((*scenario.materials, *(f"{name} = {value}" for name, value in changed.items())))
