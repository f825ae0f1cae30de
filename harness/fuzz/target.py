"""What the malformed requests are aimed at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FAR_STEP", "METHODS", "SERVICE", "Target"]

SERVICE = "/splitlearn.wire.ComputeService/"
METHODS = ("OpenSession", "Compute", "Backward", "GetGradients", "SyncTrainingState")
# No training comes so far.
FAR_STEP = 1 << 32


@dataclass(frozen=True)
class Target:
    """A trunk at which a client trains.

    Everything here is what another client of the trunk could know, so that requests come as deep into the trunk as
    those of a peer that is let in.

    Attributes:
        address: HOST:PORT of the trunk.
        session: name of the training session, which must have applied its first step.
        incarnation: of that session.
        hidden_size: width of the tensors at the cuts.
        max_message_bytes: the trunk's limit.
        agreement: settings that the trunk would agree to; without them no request to open gets beyond the comparison.
    """

    address: str
    session: str
    incarnation: int
    hidden_size: int
    max_message_bytes: int
    agreement: Mapping[str, str] = field(default_factory=dict)
