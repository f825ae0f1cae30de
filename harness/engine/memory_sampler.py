"""Reads how much memory the parties use."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from harness.engine.party import Party
from harness.trace.memory_sample import MemorySample

__all__ = ["sample_memory"]


def sample_memory(parties: Mapping[str, Party], step: int) -> list[MemorySample]:
    """Read what the kernel says of each running party."""
    found = []
    for party in parties.values():
        if not party.lives:
            continue
        with suppress(OSError, KeyError):  # it has ended
            status = Path(f"/proc/{party.program.pid}/status").read_text()
            sizes = {line.partition(":")[0]: line.split()[1] for line in status.splitlines() if line.endswith(" kB")}
            nbytes, peak = (1024 * int(sizes[name]) for name in ("RssAnon", "VmHWM"))
            found.append(MemorySample(party.name, party.lives, step, nbytes, peak))
    return found
