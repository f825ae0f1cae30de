"""What can be done to a message."""

from dataclasses import dataclass
from typing import Literal

from harness.plan.faults.damage import Spot

__all__ = ["Kind", "MessageRule"]

Kind = Literal["lose request", "lose reply", "duplicate", "hold", "corrupt request", "corrupt reply"]


@dataclass(frozen=True)
class MessageRule:
    """Something to do to the next call of a method.

    Attributes:
        method: name of the RPC, without its service.
        kind: what happens. For a lost or held message the client gets UNAVAILABLE, as from a broken connection. A
            duplicated request goes to the trunk twice in succession, and the client gets the second answer. A corrupt
            message has one bit altered; in a stream, the first message.
        spot: where in a corrupt message.
    """

    method: str
    kind: Kind
    spot: Spot = "middle"
