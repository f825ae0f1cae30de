"""The RPCs of the wire, and the points between which each of their messages is under way."""

from dataclasses import dataclass

from harness.events import At

__all__ = ["RPCS", "Rpc"]


@dataclass(frozen=True)
class Rpc:
    """A remote call.

    Attributes:
        method: its name.
        sending: where the client is about to send the request.
        received: where the trunk has the request and has not acted on it.
        replying: where the trunk is about to send the reply.
    """

    method: str
    sending: At
    received: At
    replying: At


# In the middle of a run of which the session was opened a second time, so that there is a connection to break.
RPCS = (
    Rpc(
        "OpenSession",
        At("client.session.opening", 2), At("trunk.session.opening", 2), At("trunk.session.opened", 2),
    ),
    Rpc(
        "Compute",
        At("client.forward.sending", 3, 1), At("trunk.compute.received", 3, 1), At("trunk.compute.done", 3, 1),
    ),
    Rpc(
        "Backward",
        At("client.backward.sending", 3, 1), At("trunk.backward.received", 3, 1), At("trunk.backward.done", 3, 1),
    ),
    Rpc(
        "GetGradients",
        At("client.gradients.sending", 3), At("trunk.gradients.received", 3), At("trunk.gradients.done", 3),
    ),
    Rpc(
        "SyncTrainingState",
        At("client.checkpoint.started", 4), At("trunk.sync.received", 4), At("trunk.sync.done", 4),
    ),
)  # fmt: skip
