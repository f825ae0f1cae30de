"""What every party did between the points that it passed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.recording.reader import RunFolder

__all__ = ["ENDS", "MOMENTS", "Activity", "activities"]

# A party works in one thread, so the time before a point belongs to what the point ends: a track and a name. None: it
# belongs to nothing that has a name, such as waiting for a request; so it is before the first point of every process,
# and the time since the last one of a killed process belongs to nothing.
ENDS: Mapping[str, tuple[str, str] | None] = {
    "client.session.opening": None,
    "client.checkpoint.loading": ("session", "open"),
    "client.checkpoint.loaded": ("session", "load checkpoint"),
    "client.session.opened": ("session", "open"),
    "client.step.started": None,
    "client.forward.sending": ("forward", "bottom forward"),
    "client.forward.sent": ("forward", "encode and send"),
    "client.forward.received": ("waiting", "wait for features"),
    "client.backward.sending": ("top", "top forward and backward"),
    "client.backward.sent": ("top", "encode and send"),
    "client.backward.received": ("waiting", "wait for gradients"),
    "client.backward.done": ("backward", "bottom backward"),
    "client.commit.decided": ("commit", "decide"),
    "client.gradients.sending": ("commit", "record gradients"),
    "client.gradients.received": ("waiting", "fetch the trunk's gradients"),
    "client.step.skipped": ("commit", "skip"),
    "client.commit.applied": ("commit", "update"),
    "client.checkpoint.started": None,
    "client.checkpoint.writing": ("waiting", "wait for the trunk's half"),
    "client.checkpoint.written": ("checkpoint", "write"),
    "client.checkpoint.placed": ("checkpoint", "put in place"),
    "client.checkpoint.saved": ("checkpoint", "remove older ones"),
    "client.session.closing": None,
    "client.training.finished": ("session", "close"),
    "client.session.lost": ("waiting", "wait for a trunk that has lost the session"),
    "trunk.server.starting": None,
    "trunk.server.ready": ("session", "start"),
    "trunk.session.opening": None,
    "trunk.checkpoint.loading": ("session", "open"),
    "trunk.checkpoint.loaded": ("session", "load checkpoint"),
    "trunk.session.opened": ("session", "open"),
    "trunk.compute.received": None,
    "trunk.commit.received": None,
    "trunk.commit.applied": ("commit", "update"),
    "trunk.compute.done": ("compute", "forward and encode"),
    "trunk.backward.received": None,
    "trunk.backward.done": ("backward", "decode, backward and encode"),
    "trunk.gradients.received": None,
    "trunk.gradients.done": ("backward", "encode gradients"),
    "trunk.sync.received": None,
    "trunk.checkpoint.writing": None,
    "trunk.checkpoint.written": ("checkpoint", "write"),
    "trunk.checkpoint.placed": ("checkpoint", "put in place"),
    "trunk.checkpoint.saved": ("checkpoint", "remove older ones"),
    "trunk.sync.done": ("session", "answer"),
    "trunk.session.closing": None,
    "trunk.session.closed": ("session", "close"),
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
