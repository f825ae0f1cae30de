"""bytes.json: the traffic."""

from dataclasses import dataclass

__all__ = ["TrafficRecord"]


@dataclass(frozen=True)
class TrafficRecord:
    """Bytes that crossed the network, against the minimum that the tensors need."""

    upstream: int
    downstream: int
    steps: int
    per_step: float
    floor_per_step: float
    ratio: float
