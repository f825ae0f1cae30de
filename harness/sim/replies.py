"""Remembers the first replies to every request that may be repeated, to compare later ones with them."""

from collections.abc import Hashable, Sequence
from typing import Any

from harness.sim.in_flight import InFlight
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.methods import METHODS

__all__ = ["FirstReplies"]


class FirstReplies:
    """The first replies to requests, by what makes requests the same."""

    def __init__(self) -> None:
        self._first: dict[Hashable, tuple[InFlight, Sequence[bytes]]] = {}
        self._lives = 0

    def note_start(self) -> None:
        """Note that the trunk starts: it has forgotten whom it gave which answer to a request to open a session."""
        self._lives += 1

    def are_repeated(self, call: InFlight, request: Any, replies: Sequence[bytes]) -> bool:  # noqa: ANN401 - of any method
        """Return whether a request gets the replies that the first of its kind got, which are remembered."""
        kind = _kind_of(call, request)
        if kind is None:
            return True
        if call.method == "OpenSession":
            kind = self._lives, kind
        first_call, first = self._first.setdefault(kind, (call, replies))
        return first == replies or _contents(first_call, first) == _contents(call, replies)


def _kind_of(call: InFlight, request: Any) -> Hashable | None:  # noqa: ANN401 - as above
    """Return what makes requests the same, if possible in all of a client's lives; None if they may be answered anew.

    The state of a session changes with time, and so do the replies that state it: to a query, a commit, a close.
    """
    if call.method == "OpenSession":
        return call.request  # with the name of the process, and the number of its opening
    place = (call.method, request.key.session_id, request.key.step, request.key.microbatch)
    match call.method:
        case "Compute":
            return place
        case "Backward":  # the norms come with whichever microbatch completes the step, in this life
            return (*place, request.key.incarnation)
        case "GetGradients":
            return (*place, *request.names)
        case "SyncTrainingState" if request.action == pb.SyncTrainingStateRequest.ACTION_SAVE:
            return place
    return None


def _contents(call: InFlight, replies: Sequence[bytes]) -> list[bytes]:
    """Return replies without what does not depend on what makes requests the same: checksums, and `stopping`."""
    messages: list[Any] = [*METHODS[call.method].read_replies(replies, call.request)]
    for message in messages:
        if "stopping" in message.DESCRIPTOR.fields_by_name:
            message.stopping = False
    return [message.SerializeToString(deterministic=True) for message in messages]
