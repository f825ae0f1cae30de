"""The relay before the trunk, which loses, holds back, duplicates or corrupts single messages."""

from collections.abc import Callable
from functools import partial

from harness.errors import HarnessError
from harness.plan.faults.damage import damaged
from harness.plan.faults.message_rule import MessageRule
from harness.sim.connection import Listener
from harness.sim.in_flight import Answer, InFlight
from harness.sim.kernel import Kernel
from splitlearn.wire.errors import Code, Reason, WireError

__all__ = ["SimRelay"]

Note = Callable[..., object]
# Virtual seconds between the two arrivals of a duplicated request.
APART = 0.002


class SimRelay:
    """Passes requests on to the trunk, and applies each armed rule to the next request of its method, once.

    Args:
        kernel: schedules the second arrival of a duplicated request.
        note: called with (source, point, **fields) to append an event to the trace.

    Attributes:
        trunk: the trunk's server; None while no trunk is serving.
    """

    def __init__(self, kernel: Kernel, note: Note) -> None:
        self._kernel = kernel
        self._note = note
        self._rules: list[MessageRule] = []
        self._kept: list[InFlight] = []
        self.trunk: Listener | None = None

    def arm(self, rule: MessageRule) -> None:
        """Arm a rule: it applies once, to the next request of its method."""
        self._rules.append(rule)

    def deliver_late(self) -> None:
        """Deliver the requests held back to the trunk; raises `HarnessError` if there are none."""
        kept, self._kept = self._kept, []
        if not kept:
            raise HarnessError("the relay holds no request")
        for call in kept:
            self._pass_again(call, _anew(call, call.request), partial(self._tell, "request.delivered", call))

    def arrived(self, call: InFlight, answer: Callable[[Answer], None]) -> None:
        """Pass a request on to the trunk, or apply the rule that is armed for its method."""
        rule = next((rule for rule in self._rules if rule.method == call.method), None)
        if rule is None:
            self._pass_on(call, answer)
            return
        self._rules.remove(rule)
        match rule.kind:
            case "lose request":
                self._tell("request.lost", call)
                answer(_broken("the request was lost"))
            case "hold":
                self._kept.append(call)
                self._tell("request.kept", call)
                answer(_broken("the request is kept back"))
            case "lose reply":
                self._pass_on(call, lambda got: self._lose(call, got, answer))
            case "duplicate":
                self._double(call, answer)
            case "corrupt request":
                self._tell("request.corrupted", call)
                self._pass_on(_anew(call, damaged(call.request, rule.spot)), answer)
            case "corrupt reply":
                self._pass_on(call, lambda got: self._corrupt(rule, call, got, answer))

    def _pass_on(self, call: InFlight, answer: Callable[[Answer], None]) -> None:
        if self.trunk is None:
            answer(_broken("no trunk is serving"))
        else:
            self.trunk.arrived(call, answer)

    def _pass_again(self, call: InFlight, copy: InFlight, answer: Callable[[Answer], None]) -> None:
        if self.trunk is not None:
            call.again_at = self._kernel.now
        self._pass_on(copy, answer)

    def _lose(self, call: InFlight, got: Answer, answer: Callable[[Answer], None]) -> None:
        self._tell("reply.lost", call, got)
        answer(_broken("the reply was lost"))

    def _double(self, call: InFlight, answer: Callable[[Answer], None]) -> None:
        got: list[Answer] = []

        def take(one: Answer) -> None:
            got.append(one)
            if len(got) == 2:
                first, second = got
                both = isinstance(first, list) and isinstance(second, list)
                self._tell("request.doubled", call, same=_plain(first) == _plain(second), carried_out=both)
                answer(second)

        self._pass_on(call, take)
        self._kernel.after(APART, lambda: self._pass_again(call, call, take))

    def _corrupt(self, rule: MessageRule, call: InFlight, got: Answer, answer: Callable[[Answer], None]) -> None:
        if isinstance(got, WireError):
            self.arm(rule)  # an error has no bytes to corrupt: wait for the next reply
            answer(got)
            return
        self._tell("reply.corrupted", call)
        answer([damaged(got[0], rule.spot), *got[1:]])

    def _tell(self, what: str, call: InFlight, answer: Answer | None = None, **fields: object) -> None:
        if isinstance(answer, WireError):
            fields |= {"code": answer.code.name, "reason": answer.reason.value}
        elif answer is not None:
            fields |= {"code": "OK", "reason": ""}
        self._note("relay", f"relay.{what}", method=call.method, **fields)


def _anew(call: InFlight, request: bytes) -> InFlight:
    """Return a copy with these bytes, which is not canceled when the original is."""
    return InFlight(call.number, call.client, call.method, request, call.done, arrived=True)


def _broken(message: str) -> WireError:
    return WireError(Reason.TRANSPORT, message, Code.UNAVAILABLE)


def _plain(answer: Answer) -> object:
    return (answer.reason, answer.message) if isinstance(answer, WireError) else answer
