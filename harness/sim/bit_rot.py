"""Alters bits of checkpoints at rest on simulated machines, as far as the system promises to survive it."""

import re
from collections.abc import Mapping
from pathlib import Path

from harness.errors import HarnessError
from harness.plan.faults import PartyName
from harness.sim.machine import Machine

__all__ = ["alter_half"]


def alter_half(
    machines: Mapping[PartyName, Machine], session: Path, victim: PartyName, bit: int, *, newest: bool
) -> int:
    """Alter a bit of one party's half of a checkpoint, and return the checkpoint's step.

    Args:
        machines: those of the session's two parties.
        session: the session's folder on both machines.
        victim: whose half.
        bit: which bit, counted from the file's end, and from there on again if the file has fewer.
        newest: whether to alter the newest or the oldest of the possible halves.

    Raises:
        HarnessError: without any one of its halves, no checkpoint is left that both parties can read.
    """
    sound = {name: _sound_halves(machine, session / name) for name, machine in machines.items()}
    common = set.intersection(*map(set, sound.values()))
    possible = [step for step in sound[victim] if common - {step}]
    if not possible:
        raise HarnessError(f"the parties need every half of a checkpoint that the {victim} has")
    step = max(possible) if newest else min(possible)
    machines[victim].alter(sound[victim][step], bit)
    return step


def _sound_halves(machine: Machine, folder: Path) -> dict[int, Path]:
    """Return the halves in a folder that no fault has altered, by step."""
    named = ((re.fullmatch(r"step-(\d+)\.safetensors", name), folder / name) for name in machine.disk.names(folder))
    return {int(match[1]): path for match, path in named if match and not machine.is_altered(path)}
