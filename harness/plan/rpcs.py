"""The RPCs of the wire, and the points between which each of their messages is in flight."""

from dataclasses import dataclass, replace
from typing import Self

from harness.trace.place import At

__all__ = ["RPCS", "Rpc"]


@dataclass(frozen=True)
class Rpc:
    """An RPC.

    Attributes:
        method: its name.
        sending: where the client is about to send the request.
        received: where the trunk has the request but has not acted on it.
        replying: where the trunk is about to send the reply.
        answered: name of the point at which the client has the reply.
    """

    method: str
    sending: At
    received: At
    replying: At
    answered: str

    def at_microbatch(self, number: int) -> Self:
        """Return the same call for another microbatch, if it has one."""
        sending, received, replying = (_moved(at, number) for at in (self.sending, self.received, self.replying))
        return replace(self, sending=sending, received=received, replying=replying)


def _moved(at: At, microbatch: int) -> At:
    return at if at.microbatch is None else replace(at, microbatch=microbatch)


# In a run whose session was opened a second time midway, so that there is a connection to break.
RPCS = (
    Rpc(
        "OpenSession",
        At("client.session.opening", 2), At("trunk.session.opening", 2), At("trunk.session.opened", 2),
        "client.session.opened",
    ),
    Rpc(
        "Compute",
        At("client.forward.sending", 3, 1), At("trunk.compute.received", 3, 1), At("trunk.compute.done", 3, 1),
        "client.forward.received",
    ),
    Rpc(
        "Backward",
        At("client.backward.sending", 3, 1), At("trunk.backward.received", 3, 1), At("trunk.backward.done", 3, 1),
        "client.backward.received",
    ),
    Rpc(
        "GetGradients",
        At("client.gradients.sending", 3), At("trunk.gradients.received", 3), At("trunk.gradients.done", 3),
        "client.gradients.received",
    ),
    Rpc(
        "SyncTrainingState",
        At("client.checkpoint.started", 4), At("trunk.sync.received", 4), At("trunk.sync.done", 4),
        "client.checkpoint.writing",
    ),
)  # fmt: skip
