"""Lines of trace.jsonl: what processes, proxy and harness said, as `harness.trace.event.Event.as_json` has it."""

from dataclasses import dataclass

__all__ = ["Event"]


@dataclass(frozen=True)
class Event:
    """Something that happened, `t` seconds after the start; of what a point tells beside, what a report shows."""

    t: float
    source: str
    point: str
    step: int | None = None
    microbatch: int | None = None
    fault: str | None = None
    party: str | None = None
    life: int | None = None
    method: str | None = None
    reason: str | None = None
