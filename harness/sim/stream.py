"""One direction of the simulated network path: the delay of each message, and the effect of toxics on it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.plan.faults.toxic import Stream, Toxic
from harness.sim.choices import Choices
from harness.sim.kernel import Kernel

__all__ = ["Passing", "SimStream"]

# Virtual seconds that a message takes without toxics: a minimum, and the width of the random range above it.
FLOOR, RANGE = 0.0002, 0.0008
HEADER_BYTES = 60


@dataclass(eq=False)
class Passing:
    """The state of one connection in one direction.

    Attributes:
        connection: number of the connection.
        carries: returns whether what is sent on the connection arrives.
        cut: closes the connection after a delay in virtual seconds.
        clear_at: virtual time in seconds at which the last message sent arrives; messages do not overtake each other.
        sent: number of messages sent so far.
        budgets: bytes that each `limit_data` toxic still lets through, by the toxic's name.
    """

    connection: int
    carries: Callable[[], bool]
    cut: Callable[[float], None]
    clear_at: float = 0.0
    sent: int = 0
    budgets: dict[str, int] = field(default_factory=dict)


class SimStream:
    """One direction of the path, shared by all connections.

    Args:
        kernel: schedules deliveries.
        choices: decide delays and jitter.
        name: "upstream" (to the trunk) or "downstream" (to the client).
    """

    def __init__(self, kernel: Kernel, choices: Choices, name: Stream) -> None:
        self._kernel = kernel
        self._choices = choices
        self._name = name
        self._toxics: dict[str, Toxic] = {}
        # Deliveries held back by a toxic, and connections of which a toxic has swallowed bytes, by the toxic's name.
        self._held: dict[str, list[Callable[[], None]]] = {}
        self._swallowed: dict[str, list[Passing]] = {}

    def add(self, toxic: Toxic) -> None:
        """Add a toxic; it applies to open connections as well."""
        self._toxics[toxic.name] = toxic

    def remove(self, name: str) -> None:
        """Remove a toxic: deliver what it held back, and close connections whose bytes it swallowed."""
        self._toxics.pop(name, None)
        for passing in self._swallowed.pop(name, ()):
            passing.cut(0.0)
        for deliver in self._held.pop(name, ()):
            deliver()

    def send(self, passing: Passing, nbytes: int, deliver: Callable[[], None]) -> None:
        """Send a message, subject to the toxics.

        Args:
            passing: the connection's state in this direction.
            nbytes: size of the message in bytes, without the header.
            deliver: called when the last byte arrives; never called if the message is lost.
        """
        passing.sent += 1
        delay = FLOOR + RANGE * self._choices.share("delay", self._name, passing.connection, passing.sent)
        closing = max((t.attributes.get("delay", 0) for t in self._of("slow_close")), default=0) / 1000
        for toxic in self._of("limit_data"):
            left = passing.budgets.setdefault(toxic.name, toxic.attributes.get("bytes", 0))
            passing.budgets[toxic.name] = left - nbytes - HEADER_BYTES
            if passing.budgets[toxic.name] < 0:
                passing.cut(closing)
                return
        for toxic in self._of("reset_peer"):
            passing.cut(toxic.attributes.get("timeout", 0) / 1000)
            return
        for toxic in self._of("timeout"):
            self._swallowed.setdefault(toxic.name, []).append(passing)
            if toxic.attributes.get("timeout", 0):
                passing.cut(toxic.attributes["timeout"] / 1000)
            return
        for toxic in self._of("latency"):
            either_way = 2 * self._choices.share("jitter", toxic.name, passing.connection, passing.sent) - 1
            jitter = toxic.attributes.get("jitter", 0) * either_way
            delay += max(0.0, toxic.attributes.get("latency", 0) + jitter) / 1000
        for toxic in self._of("bandwidth"):
            rate = toxic.attributes.get("rate", 0)
            if not rate:
                self._held.setdefault(toxic.name, []).append(lambda: self._arrive(passing, 0.0, deliver))
                return
            delay += (nbytes + HEADER_BYTES) / (1000 * rate)
        self._arrive(passing, delay, deliver)

    def _arrive(self, passing: Passing, delay: float, deliver: Callable[[], None]) -> None:
        passing.clear_at = max(passing.clear_at, self._kernel.now + delay)
        wait = passing.clear_at - self._kernel.now
        assert math.isfinite(wait), "the delay of a message must be finite"
        self._kernel.after(wait, lambda: deliver() if passing.carries() else None)

    def _of(self, kind: str) -> list[Toxic]:
        return [toxic for toxic in self._toxics.values() if toxic.type == kind]
