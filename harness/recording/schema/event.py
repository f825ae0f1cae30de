"""Lines of trace.jsonl: events of processes, proxy and harness, as written by `harness.trace.event.Event.as_json`."""

from dataclasses import dataclass

__all__ = ["EventRecord"]

ROLES = ("client", "trunk")


@dataclass(frozen=True)
class EventRecord:
    """An event, `t` seconds after the start, with those fields of its point that a report shows."""

    t: float
    source: str
    point: str
    step: int | None = None
    microbatch: int | None = None
    fault: str | None = None
    adversary: str | None = None
    party: str = ""
    life: int | None = None
    method: str | None = None
    reason: str | None = None
    session: str | None = None

    def __post_init__(self) -> None:
        """Fill in the party of an older trace, where the role was the party."""
        if not self.party and self.source in ROLES:
            object.__setattr__(self, "party", self.source)

    @property
    def teller(self) -> str:
        """The reporting program: a party, the proxy or the harness."""
        return self.party if self.source in ROLES else self.source
