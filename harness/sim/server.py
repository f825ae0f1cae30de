"""The trunk's server in the simulated network: it carries out requests in order of arrival, one at a time."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from google.protobuf.message import Message

from harness.sim.choices import Choices
from harness.sim.in_flight import Answer, InFlight
from harness.sim.kernel import Signal
from harness.sim.process import Process
from harness.sim.refusal import as_received
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire.errors import WireError

__all__ = ["Monitor", "SimServer"]

# Virtual seconds that a request takes: a minimum, and the width of the random range above it.
FLOOR, RANGE = 0.001, 0.004


class Monitor(Protocol):
    """Observes the requests that a trunk carries out."""

    def begun(self, request: Message) -> None:
        """Observe that a request is about to be carried out."""

    def answered(self, call: InFlight, request: Message, replies: Sequence[bytes]) -> None:
        """Observe a request that was carried out and its replies, which are not sent yet."""


class SimServer:
    """Carries out requests in a greenlet of the trunk's process.

    Args:
        process: the trunk's process.
        dispatch: carries out each request.
        choices: decide how long each request takes.
        monitor: observes every request that is carried out.
    """

    def __init__(
        self,
        process: Process,
        dispatch: Dispatch,
        choices: Choices,
        monitor: Monitor,
    ) -> None:
        self._process = process
        self._dispatch = dispatch
        self._choices = choices
        self._monitor = monitor
        self._waiting: deque[Callable[[], None]] = deque()
        self._something = Signal(process.kernel)
        self._served = 0
        process.start(self._serve)

    def arrived(self, call: InFlight, answer: Callable[[Answer], None]) -> None:
        """Queue a request; it is dropped if it has been canceled by the time its turn comes."""
        self._put(lambda: self._carry_out(call, answer))

    def put(self, action: Callable[[], None]) -> None:
        """Queue an action, which is called between two requests."""
        self._put(action)

    @property
    def idle(self) -> bool:
        """Whether no request is queued or being carried out."""
        return not self._waiting and not self._something.is_set

    def _put(self, action: Callable[[], None]) -> None:
        self._waiting.append(action)
        self._something.set()

    def _serve(self) -> None:
        while True:
            self._process.wait_for(self._something)
            while self._waiting:
                self._waiting.popleft()()
            self._something = Signal(self._process.kernel)

    def _carry_out(self, call: InFlight, answer: Callable[[Answer], None]) -> None:
        if call.cancelled:
            return
        self._served += 1
        self._process.sleep(FLOOR + RANGE * self._choices.share("serving", call.number, self._served))
        found = self._answer(call)
        answer(found)

    def _answer(self, call: InFlight) -> Answer:
        try:
            read = self._dispatch.read(call.method, call.request)
            self._monitor.begun(read.request)
            found = list(self._dispatch.write(read, self._dispatch.carry_out(read)))
            self._monitor.answered(call, read.request, found)
            return found
        except WireError as error:
            return as_received(error)
