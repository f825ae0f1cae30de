"""The calls from clients to the trunk, put together from the points at both ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.plan.other_clients import session_of
from harness.plan.rpcs import RPCS
from harness.recording.reader import RunFolder
from harness.recording.schema import EventRecord

__all__ = ["Call", "calls"]

SENDING: Mapping[str, str] = {rpc.sending.point: rpc.method for rpc in RPCS}
RECEIVED: Mapping[str, str] = {rpc.received.point: rpc.method for rpc in RPCS}
REPLYING: Mapping[str, str] = {rpc.replying.point: rpc.method for rpc in RPCS}
ANSWERED: Mapping[str, str] = {rpc.answered: rpc.method for rpc in RPCS}
METHODS: Mapping[str, str] = {**SENDING, **RECEIVED, **REPLYING, **ANSWERED}
# After these nobody waits for an answer any more.
GIVEN_UP = frozenset({"client.step.skipped", "client.session.lost", "process.killed", "process.stopped"})
# The step of an opening is what the client asks for; the answer is another one.
WITHOUT_STEP = "OpenSession"

Key = tuple[str, str, int | None, int | None]


@dataclass
class Call:
    """A call; a request that is sent again is the same call. Numbers are positions of events in the trace.

    Attributes:
        method: name of the RPC.
        client: who called.
        sending: when the client was about to send it.
        received: every time that the trunk received it.
        replying: every time that the trunk was about to reply.
        ended: when the client had the answer, or waited no longer; None if the trace ends before.
        answered: whether it had an answer.
    """

    method: str
    client: str
    sending: int
    received: list[int] = field(default_factory=list)
    replying: list[int] = field(default_factory=list)
    ended: int | None = None
    answered: bool = False


def calls(run: RunFolder) -> list[Call]:
    """Return all calls in the order in which they were sent; only closing a session has no points at both ends."""
    made: list[Call] = []
    waiting: dict[Key, Call] = {}
    for position, event in enumerate(run.trace):
        point = event.point
        if point in GIVEN_UP:
            for key in [key for key, call in waiting.items() if call.client == event.party]:
                waiting.pop(key).ended = position
        elif point in SENDING:
            call = Call(SENDING[point], event.party, position)
            earlier = waiting.pop(_key(event), None)
            if earlier:
                earlier.ended = position
            waiting[_key(event)] = call
            made.append(call)
        elif point in METHODS and _key(event) in waiting:
            _note(waiting, event, position)
    return made


def _note(waiting: dict[Key, Call], event: EventRecord, position: int) -> None:
    call = waiting[_key(event)]
    if event.point in RECEIVED:
        call.received.append(position)
    elif event.point in REPLYING:
        call.replying.append(position)
    else:
        call.ended, call.answered = position, True
        del waiting[_key(event)]


def _key(event: EventRecord) -> Key:
    method = METHODS[event.point]
    session = event.session or session_of(event.party)
    return session, method, None if method == WITHOUT_STEP else event.step, event.microbatch
