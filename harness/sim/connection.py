"""A connection in the simulated network, and who receives what it carries."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from harness.sim.in_flight import Answer, InFlight
from harness.sim.stream import Passing

__all__ = ["Listener", "SimConnection"]


class Listener(Protocol):
    """The receiver of requests: a trunk's server, or a relay before it."""

    def arrived(self, call: InFlight, answer: Callable[[Answer], None]) -> None:
        """Accept a request, and call `answer` at most once, with the replies or an error."""


@dataclass(eq=False)
class SimConnection:
    """A client's connection to the trunk.

    Attributes:
        number: number of the connection, counted from 1 over the whole run.
        listener: the receiver of its requests.
        on_closed: called when the trunk or the network closes it, not when the client does.
        is_open: whether neither side has closed it.
        swallows: whether nothing arrives on it any more, not even that the other side has closed it.
        calls: requests in flight on it.
        up: state of the direction to the trunk.
        down: state of the direction to the client.
    """

    number: int
    listener: Listener
    on_closed: Callable[[], None]
    is_open: bool = True
    swallows: bool = False
    calls: list[InFlight] = field(default_factory=list)
    up: Passing = field(init=False)
    down: Passing = field(init=False)

    @property
    def carries(self) -> bool:
        """Whether what is sent on it arrives."""
        return self.is_open and not self.swallows
