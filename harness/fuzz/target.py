"""What the malformed requests are aimed at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["FAR_STEP", "METHODS", "SERVICE", "Target"]

SERVICE = "/splitlearn.wire.ComputeService/"
METHODS = ("OpenSession", "Compute", "Backward", "GetGradients", "SyncTrainingState")
# No training gets this far.
FAR_STEP = 1 << 32


@dataclass(frozen=True)
class Target:
    """A trunk at which a client trains.

    Everything here could be known to another client of the trunk, so that requests get as deep into the trunk as those
    of an admitted peer.

    Attributes:
        address: HOST:PORT of the trunk.
        session: name of the training session, which must have applied its first step.
        incarnation: the session's.
        hidden_size: width of the tensors at the cuts.
        max_message_bytes: the trunk's limit.
        agreement: settings that the trunk would accept; without them no opening gets past the comparison.
        parameters: names in the uncut model; without them every name counts as unknown to the trunk.
    """

    address: str
    session: str
    incarnation: int
    hidden_size: int
    max_message_bytes: int
    agreement: Mapping[str, str] = field(default_factory=dict)
    parameters: Sequence[str] = ()
