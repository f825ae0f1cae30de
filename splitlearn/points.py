"""The named points that client and trunk pass in a run, and how often."""

from collections.abc import Mapping
from enum import Enum

__all__ = ["POINTS", "Scope"]


class Scope(Enum):
    """How often a point is passed."""

    RUN = "a few times a run, or when something goes wrong"
    CHECKPOINT = "at every checkpoint, whose step is how many were applied; of other requests to sync it is 0"
    STEP = "at every step"
    MICROBATCH = "at every microbatch"


# Every change of a party's state has a point before and after it, in the order of a run.
POINTS: Mapping[str, Scope] = {
    "client.session.opening": Scope.RUN,
    "client.checkpoint.loading": Scope.RUN,
    "client.checkpoint.loaded": Scope.RUN,
    "client.session.opened": Scope.RUN,
    "client.step.started": Scope.STEP,
    "client.forward.sending": Scope.MICROBATCH,
    "client.forward.sent": Scope.MICROBATCH,
    "client.forward.received": Scope.MICROBATCH,
    "client.backward.sending": Scope.MICROBATCH,
    "client.backward.sent": Scope.MICROBATCH,
    "client.backward.received": Scope.MICROBATCH,
    "client.backward.done": Scope.MICROBATCH,
    "client.commit.decided": Scope.STEP,
    "client.gradients.sending": Scope.STEP,
    "client.gradients.received": Scope.STEP,
    "client.step.skipped": Scope.STEP,
    "client.commit.applied": Scope.STEP,
    "client.checkpoint.started": Scope.CHECKPOINT,
    "client.checkpoint.writing": Scope.CHECKPOINT,
    "client.checkpoint.written": Scope.CHECKPOINT,
    "client.checkpoint.placed": Scope.CHECKPOINT,
    "client.checkpoint.saved": Scope.CHECKPOINT,
    "client.session.closing": Scope.RUN,
    "client.training.finished": Scope.RUN,
    "client.connection.changed": Scope.RUN,
    "client.call.failed": Scope.RUN,
    "client.session.lost": Scope.RUN,
    "client.training.stopping": Scope.RUN,
    "trunk.server.starting": Scope.RUN,
    "trunk.server.ready": Scope.RUN,
    "trunk.session.opening": Scope.RUN,
    "trunk.checkpoint.loading": Scope.RUN,
    "trunk.checkpoint.loaded": Scope.RUN,
    "trunk.session.opened": Scope.RUN,
    "trunk.compute.received": Scope.MICROBATCH,
    "trunk.commit.received": Scope.STEP,
    "trunk.commit.applied": Scope.STEP,
    "trunk.compute.done": Scope.MICROBATCH,
    "trunk.backward.received": Scope.MICROBATCH,
    "trunk.graph.recomputed": Scope.MICROBATCH,
    "trunk.backward.done": Scope.MICROBATCH,
    "trunk.gradients.received": Scope.STEP,
    "trunk.gradients.done": Scope.STEP,
    "trunk.sync.received": Scope.CHECKPOINT,
    "trunk.checkpoint.writing": Scope.CHECKPOINT,
    "trunk.checkpoint.written": Scope.CHECKPOINT,
    "trunk.checkpoint.placed": Scope.CHECKPOINT,
    "trunk.checkpoint.saved": Scope.CHECKPOINT,
    "trunk.sync.done": Scope.CHECKPOINT,
    "trunk.session.closing": Scope.RUN,
    "trunk.session.closed": Scope.RUN,
    "trunk.server.stopping": Scope.RUN,
}
