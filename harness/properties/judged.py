"""A drawn training is trained by any system, and compared with the uncut model, bit for bit."""

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

# Trains by a configuration, and leaves everything in a folder of its own.
System: TypeAlias = Callable[[TrainingConfig, Path], RunFiles]


class DifferenceError(AssertionError):
    """A drawn training has other bits than the uncut model; the message ends with the command that repeats it."""


def require_same_bits(scenario: Scenario, folder: Path, system: System, failing: Path) -> Equivalence:
    """Train a drawn training and its reference; raise `DifferenceError` unless all bits are the same.

    Args:
        scenario: the training; what a scenario says beside its settings and materials is not looked at.
        folder: an empty one, for everything that the two leave.
        system: what is judged.
        failing: file for the scenario if it fails, so that a command can run it again.
    """
    equivalence = judged(scenario, folder, system)
    wrong = [f"only one side has {name}" for name in equivalence.missing]
    if equivalence.first_divergence:
        wrong.insert(0, f"first divergence: {equivalence.first_divergence}")
    if wrong or not equivalence.compared:
        failing.parent.mkdir(parents=True, exist_ok=True)
        failing.write_text(json.dumps(scenario_json(scenario), indent=2) + "\n")
        said = wrong[0] if wrong else "nothing was compared"
        raise DifferenceError(f"{said}\n{described(scenario)}\nagain, as programs: harness run --scenario {failing}")
    return equivalence


def judged(scenario: Scenario, folder: Path, system: System, record_steps: tuple[int, ...] = ()) -> Equivalence:
    """Train a drawn training and its reference, and compare them; the reference is left in `FOLDER/reference`."""
    config = with_materials(scenario, folder / "materials").config.but(save_dir=folder / "checkpoints")
    reference = folder / "reference"
    reference.mkdir()
    train_reference(config, reference, record_steps)
    expected = RunFiles((reference,), (reference / "final.safetensors",))
    return compare(system(config, folder), expected, config.cuts, skipped_steps(reference))


def skipped_steps(reference: Path) -> set[int]:
    """Return the steps that a reference skipped."""
    steps = map(json.loads, (reference / "reference.jsonl").read_text().splitlines())
    return {step["step"] for step in steps if step["skipped"]}


def described(scenario: Scenario) -> str:
    """Return what a drawn training is, in lines: its materials, and the settings that are not the default."""
    default = TrainingConfig()
    settings = {name: getattr(scenario.config, name) for name in TrainingConfig.model_fields}
    changed = {name: value for name, value in settings.items() if value != getattr(default, name)}
    return "\n".join((*scenario.materials, *(f"{name} = {value}" for name, value in changed.items())))
