"""How much memory the parties use, step by step."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from harness.party import Party

__all__ = ["MemorySample", "sample_memory", "slope"]

# What a process allocates once, as it warms up, says nothing of growth: it levels off within some sixty steps.
WARM_UP_SAMPLES = 60


@dataclass(frozen=True)
class MemorySample:
    """Resident memory of its own of one life of a party, in bytes, when the client had applied a step."""

    party: str
    life: int
    step: int
    nbytes: int


def sample_memory(parties: Mapping[str, Party], step: int) -> list[MemorySample]:
    """Read what the kernel says of each running party."""
    found = []
    for party in parties.values():
        lines: list[str] = []
        if party.lives:
            with suppress(OSError):  # it has ended
                lines = Path(f"/proc/{party.program.pid}/status").read_text().splitlines()
        resident = [line.split()[1] for line in lines if line.startswith("RssAnon:")]
        found += [MemorySample(party.name, party.lives, step, 1024 * int(kibibytes)) for kibibytes in resident]
    return found


def slope(samples: Iterable[MemorySample]) -> tuple[float, int]:
    """Fit the growth in bytes a step that all lives of one party have in common, by least squares.

    Each life has a level of its own, and its first samples are left out.

    Returns:
        The slope, and the number of samples that it rests on.
    """
    products = squares = 0.0
    count = 0
    for _, group in groupby(samples, key=lambda sample: sample.life):
        life = list(group)[WARM_UP_SAMPLES:]
        if len(life) < 2:
            continue
        middle_step = sum(sample.step for sample in life) / len(life)
        middle_size = sum(sample.nbytes for sample in life) / len(life)
        products += sum((s.step - middle_step) * (s.nbytes - middle_size) for s in life)
        squares += sum((s.step - middle_step) ** 2 for s in life)
        count += len(life)
    return (products / squares if squares else 0.0), count
