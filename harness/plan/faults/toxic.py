"""A toxic as the harness describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Stream", "Toxic"]

Stream = Literal["upstream", "downstream"]


@dataclass(frozen=True)
class Toxic:
    """One toxic on one direction of a proxy.

    `attributes` are Toxiproxy's: milliseconds for latency, jitter, timeout and delay (microseconds for the
    slicer's), KB/s for rate, bytes for sizes. `toxicity` is the probability, 0 to 1, that a connection gets it.
    The default name is `<type>_<stream>`.
    """

    type: str
    stream: Stream = "downstream"
    attributes: Mapping[str, int] = field(default_factory=dict)
    toxicity: float = 1.0
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", f"{self.type}_{self.stream}")
