"""Lines of trace.jsonl: what processes, proxy and harness said, as `harness.trace.event.Event.as_json` has it."""

from dataclasses import dataclass

__all__ = ["Event"]

ROLES = ("client", "trunk")


@dataclass(frozen=True)
class Event:
    """Something that happened, `t` seconds after the start; of what a point tells beside, what a report shows."""

    t: float
    source: str
    point: str
    step: int | None = None
    microbatch: int | None = None
    fault: str | None = None
    party: str = ""
    life: int | None = None
    method: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Fill in the party in a trace from a time when the role was the party."""
        if not self.party and self.source in ROLES:
            object.__setattr__(self, "party", self.source)

    @property
    def teller(self) -> str:
        """Who tells it: a party, or what stands beside the parties."""
        return self.party if self.source in ROLES else self.source
