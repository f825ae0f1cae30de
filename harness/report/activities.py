"""What every party did between the points that it passed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.recording.reader import RunFolder
from splitlearn.profile import PHASES

__all__ = ["ENDS", "MOMENTS", "Activity", "activities"]

# A party works in one thread, so the time before a point belongs to what the point ends: a track and a name. None: it
# belongs to nothing that has a name, such as waiting for a request; so it is before the first point of every process,
# and the time since the last one of a killed process belongs to nothing.
ENDS: Mapping[str, tuple[str, str] | None] = {
    "client.session.opening": None,
    "client.checkpoint.loading": ("session", "Opening"),
    "client.checkpoint.loaded": ("session", "Loading a checkpoint"),
    "client.session.opened": ("session", "Opening"),
    "client.step.started": None,
    "client.forward.sending": ("forward", PHASES["bottom"]),
    "client.forward.sent": ("forward", PHASES["encode"]),
    "client.forward.received": ("waiting", PHASES["forward_wait"]),
    "client.backward.sending": ("top", PHASES["top"]),
    "client.backward.sent": ("top", PHASES["encode"]),
    "client.backward.received": ("waiting", PHASES["backward_wait"]),
    "client.backward.done": ("backward", "Bottom backward"),
    "client.commit.decided": ("commit", "Norm and clipping"),
    "client.gradients.sending": ("commit", "Recording gradients"),
    "client.gradients.received": ("waiting", "Fetching the trunk's gradients"),
    "client.step.skipped": ("commit", "Skipping"),
    "client.commit.applied": ("commit", "Update"),
    "client.checkpoint.started": None,
    "client.checkpoint.writing": ("waiting", "Waiting for the trunk's half"),
    "client.checkpoint.written": ("checkpoint", "Writing"),
    "client.checkpoint.placed": ("checkpoint", "Putting in place"),
    "client.checkpoint.saved": ("checkpoint", "Removing older ones"),
    "client.session.closing": None,
    "client.training.finished": ("session", "Closing"),
    "client.session.lost": ("waiting", "Waiting for a trunk that has lost the session"),
    "trunk.server.starting": None,
    "trunk.server.ready": ("session", "Starting"),
    "trunk.session.opening": None,
    "trunk.checkpoint.loading": ("session", "Opening"),
    "trunk.checkpoint.loaded": ("session", "Loading a checkpoint"),
    "trunk.session.opened": ("session", "Opening"),
    "trunk.compute.received": None,
    "trunk.commit.received": None,
    "trunk.commit.applied": ("commit", "Update"),
    "trunk.compute.done": ("compute", "Forward and encoding"),
    "trunk.backward.received": None,
    "trunk.backward.done": ("backward", "Decoding, backward and encoding"),
    "trunk.gradients.received": None,
    "trunk.gradients.done": ("backward", "Encoding gradients"),
    "trunk.sync.received": None,
    "trunk.checkpoint.writing": None,
    "trunk.checkpoint.written": ("checkpoint", "Writing"),
    "trunk.checkpoint.placed": ("checkpoint", "Putting in place"),
    "trunk.checkpoint.saved": ("checkpoint", "Removing older ones"),
    "trunk.sync.done": ("session", "Answering"),
    "trunk.session.closing": None,
    "trunk.session.closed": ("session", "Closing"),
}
# Points that may be passed in the middle of anything, some of them by another thread: they end nothing.
MOMENTS = frozenset(
    {
        "client.connection.changed",
        "client.call.failed",
        "client.training.stopping",
        "trunk.graph.recomputed",
        "trunk.server.stopping",
    }
)


@dataclass(frozen=True)
class Activity:
    """What a party did from one point to the next.

    Attributes:
        party: whose.
        track: the kind of work.
        name: the work.
        first: position in the trace of the event that began it.
        last: position of the event that ended it.
    """

    party: str
    track: str
    name: str
    first: int
    last: int


def activities(run: RunFolder) -> Iterator[Activity]:
    """Yield the activities of all parties in the order of their ends; those of one party do not overlap."""
    newest: dict[str, int] = {}
    for position, event in enumerate(run.trace):
        if event.point not in ENDS:
            continue
        party = event.teller
        done, first = ENDS[event.point], newest.get(party)
        if done and first is not None:
            yield Activity(party, *done, first, position)
        newest[party] = position
