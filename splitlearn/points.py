"""The named points that client and trunk pass in a run, and how often."""

from collections.abc import Mapping
from enum import Enum

__all__ = ["POINTS", "Frequency"]


class Frequency(Enum):
    """How often a point is passed."""

    RUN = "a few times a run, or when something goes wrong"
    CHECKPOINT = "at every checkpoint, whose step is how many were applied; of other requests to sync it is 0"
    STEP = "at every step"
    MICROBATCH = "at every microbatch"


# Every change of a party's state has a point before and after it, in the order of a run.
POINTS: Mapping[str, Frequency] = {
    "client.session.opening": Frequency.RUN,
    "client.checkpoint.loading": Frequency.RUN,
    "client.checkpoint.loaded": Frequency.RUN,
    "client.session.opened": Frequency.RUN,
    "client.step.started": Frequency.STEP,
    "client.forward.sending": Frequency.MICROBATCH,
    "client.forward.sent": Frequency.MICROBATCH,
    "client.forward.received": Frequency.MICROBATCH,
    "client.backward.sending": Frequency.MICROBATCH,
    "client.backward.sent": Frequency.MICROBATCH,
    "client.backward.received": Frequency.MICROBATCH,
    "client.backward.done": Frequency.MICROBATCH,
    "client.commit.decided": Frequency.STEP,
    "client.gradients.sending": Frequency.STEP,
    "client.gradients.received": Frequency.STEP,
    "client.step.skipped": Frequency.STEP,
    "client.commit.applied": Frequency.STEP,
    "client.checkpoint.started": Frequency.CHECKPOINT,
    "client.checkpoint.writing": Frequency.CHECKPOINT,
    "client.checkpoint.written": Frequency.CHECKPOINT,
    "client.checkpoint.placed": Frequency.CHECKPOINT,
    "client.checkpoint.saved": Frequency.CHECKPOINT,
    "client.session.closing": Frequency.RUN,
    "client.training.finished": Frequency.RUN,
    "client.connection.changed": Frequency.RUN,
    "client.call.failed": Frequency.RUN,
    "client.session.lost": Frequency.RUN,
    "client.training.stopping": Frequency.RUN,
    "trunk.server.starting": Frequency.RUN,
    "trunk.server.ready": Frequency.RUN,
    "trunk.session.opening": Frequency.RUN,
    "trunk.checkpoint.loading": Frequency.RUN,
    "trunk.checkpoint.loaded": Frequency.RUN,
    "trunk.session.opened": Frequency.RUN,
    "trunk.compute.received": Frequency.MICROBATCH,
    "trunk.commit.received": Frequency.STEP,
    "trunk.commit.applied": Frequency.STEP,
    "trunk.compute.done": Frequency.MICROBATCH,
    "trunk.backward.received": Frequency.MICROBATCH,
    "trunk.graph.recomputed": Frequency.MICROBATCH,
    "trunk.backward.done": Frequency.MICROBATCH,
    "trunk.gradients.received": Frequency.STEP,
    "trunk.gradients.done": Frequency.STEP,
    "trunk.sync.received": Frequency.CHECKPOINT,
    "trunk.checkpoint.writing": Frequency.CHECKPOINT,
    "trunk.checkpoint.written": Frequency.CHECKPOINT,
    "trunk.checkpoint.placed": Frequency.CHECKPOINT,
    "trunk.checkpoint.saved": Frequency.CHECKPOINT,
    "trunk.sync.done": Frequency.CHECKPOINT,
    "trunk.session.closing": Frequency.RUN,
    "trunk.session.closed": Frequency.RUN,
    "trunk.server.stopping": Frequency.RUN,
}
