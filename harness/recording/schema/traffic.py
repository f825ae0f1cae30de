"""bytes.json: the traffic."""

from dataclasses import dataclass

__all__ = ["Traffic"]


@dataclass(frozen=True)
class Traffic:
    """Bytes that crossed the network, against the minimum that the tensors need."""

    upstream: int
    downstream: int
    steps: int
    per_step: float
    floor_per_step: float
    ratio: float
