"""Samples how much memory the parties use."""

from collections.abc import Mapping
from contextlib import suppress

import psutil

from harness.engine.party import Party
from harness.resident import own_bytes, peak_bytes
from harness.trace.memory_sample import MemorySample

__all__ = ["sample_memory"]


def sample_memory(parties: Mapping[str, Party], step: int) -> list[MemorySample]:
    """Return a sample for each running party."""
    found = []
    for party in parties.values():
        if not party.lives:
            continue
        with suppress(psutil.Error):  # it has ended
            pid = party.program.pid
            found.append(MemorySample(party.name, party.lives, step, own_bytes(pid), peak_bytes(pid)))
    return found
