"""Where a trunk's time goes, over the last steps of all its sessions."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import Message

from splitlearn.profile import TRUNK_PHASES, table
from splitlearn.runtime import Clock
from splitlearn.stopwatch import Stopwatch
from splitlearn.trunk.dispatch import Call, Dispatch
from splitlearn.trunk.service import TrunkService
from splitlearn.wire import compute_service_pb2 as pb

__all__ = ["TrunkProfile"]

MOST_STEPS = 10_000
# Sessions with a step in progress; of those that ended in the middle of one, the oldest step is counted as it is.
MOST_SESSIONS = 64


class TrunkProfile:
    """Adds up the times of a step's requests.

    Args:
        clock: of this machine.

    Attributes:
        watch: told by the service when it decodes and encodes tensors.
    """

    def __init__(self, clock: Clock) -> None:
        self.watch = Stopwatch(clock)
        self._clock = clock
        self._done: deque[dict[str, float]] = deque(maxlen=MOST_STEPS)
        self._in_progress: dict[str, tuple[int, dict[str, float]]] = {}

    def dispatch_of(self, service: TrunkService) -> Dispatch:
        """Return the methods of a service, which has this watch, as bytes, measured."""
        return _ProfilingDispatch(service, self, self._clock)

    def add(self, session: str, step: int, parts: dict[str, float]) -> None:
        """Add the seconds of a request's parts to its step; a request of another step ends the one before."""
        earlier = self._in_progress.get(session)
        if earlier is None or earlier[0] != step:
            self._end(session)
            self._in_progress[session] = step, dict(parts)
            if len(self._in_progress) > MOST_SESSIONS:
                self._end(next(iter(self._in_progress)))
            return
        for name, seconds in parts.items():
            earlier[1][name] = earlier[1].get(name, 0.0) + seconds

    def table(self) -> str:
        """Return the medians as lines of text."""
        return table(TRUNK_PHASES, [*self._done, *(parts for _, parts in self._in_progress.values())])

    def _end(self, session: str) -> None:
        ended = self._in_progress.pop(session, None)
        if ended:
            self._done.append(ended[1])


@dataclass(frozen=True)
class _TimedCall(Call):
    """A request with its times: when it was decoded, and the seconds of its parts so far."""

    decoded: float
    parts: dict[str, float] = field(default_factory=dict)


class _ProfilingDispatch(Dispatch):
    """Measures every request, and tells the profile those of training steps, in the thread that writes the replies."""

    def __init__(self, service: TrunkService, profile: TrunkProfile, clock: Clock) -> None:
        super().__init__(service)
        self._profile = profile
        self._clock = clock

    def read(self, method: str, request: bytes) -> Call:
        """Check a request's checksum and decode it; raises `WireError`."""
        began = self._clock.now()
        call = super().read(method, request)
        decoded = self._clock.now()
        return _TimedCall(call.method, call.request, call.checksum, decoded, {"decode": decoded - began})

    def carry_out(self, call: Call) -> Sequence[Message]:
        """Call the service, in the computing thread; raises `WireError`."""
        assert isinstance(call, _TimedCall)
        watch = self._profile.watch
        call.parts["queue"] = self._clock.now() - call.decoded
        watch.start()
        with watch.part("compute"):
            replies = super().carry_out(call)
        _add(call.parts, watch.parts)
        return replies

    def write(self, call: Call, replies: Sequence[Message]) -> Iterator[bytes]:
        """Encode the replies to a request; with the last one, all its times are known."""
        assert isinstance(call, _TimedCall)
        began = self._clock.now()
        for data in super().write(call, replies):
            _add(call.parts, {"encode": self._clock.now() - began})
            yield data
            began = self._clock.now()
        request = call.request
        if isinstance(request, pb.ComputeRequest | pb.BackwardRequest) and not _infers(request):
            self._profile.add(request.key.session_id, request.key.step, call.parts)


def _infers(request: pb.ComputeRequest | pb.BackwardRequest) -> bool:
    return isinstance(request, pb.ComputeRequest) and request.inference


def _add(parts: dict[str, float], more: dict[str, float]) -> None:
    for name, seconds in more.items():
        parts[name] = parts.get(name, 0.0) + seconds
