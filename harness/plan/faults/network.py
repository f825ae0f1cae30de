"""Degraded networks: bytes that vanish, wait or crawl, and connections that end badly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.plan.faults.effects import AddToxic, Release, RemoveToxic, Script
from harness.plan.faults.fault import Fault, is_failed_call, mended_after, until_a_call_failed
from harness.plan.faults.groups import Group
from harness.plan.faults.toxic import Stream, Toxic
from harness.trace.event import Event

__all__ = ["NETWORK_FAILURES", "NetworkFailure", "NetworkFault"]

NetworkFailure = Literal["half-open", "reset", "delay-spike", "bandwidth-collapse", "slow-close"]


@dataclass(frozen=True)
class Kind:
    """How a failure is made: toxics as (type, attributes), and a description."""

    toxics: tuple[tuple[str, Mapping[str, int]], ...]
    detail: str


# So slow that no call meets its deadline, however few bytes it has.
KINDS: Mapping[NetworkFailure, Kind] = {
    "half-open": Kind((("timeout", {"timeout": 0}),), "swallows what is sent and says nothing"),
    "reset": Kind((("reset_peer", {"timeout": 0}),), "resets the connection at the next bytes"),
    "delay-spike": Kind((("latency", {"latency": 8000}),), "delays everything by 8 s"),
    "bandwidth-collapse": Kind((("bandwidth", {"rate": 0}),), "lets nothing more through, and loses nothing"),
    "slow-close": Kind(
        (("slow_close", {"delay": 1500}), ("limit_data", {"bytes": 20})),
        "closes after 20 more bytes, and takes 1.5 s to do so",
    ),
}
NETWORK_FAILURES: tuple[NetworkFailure, ...] = tuple(KINDS)


@dataclass(frozen=True)
class NetworkFault(Fault):
    """Toxics on one direction of the live connection, until the client sees a call fail, of an RPC if one is named."""

    failure: NetworkFailure
    stream: Stream
    method: str = ""

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"{self.failure}-{self.stream}"

    @property
    def group(self) -> Group:
        """A separate group."""
        return "network"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"{KINDS[self.failure].detail}, {self.stream}"

    def script(self) -> Script:
        """Add the toxics, and remove them when the client has noticed; what was held back arrives late."""
        for toxic in self._toxics:
            yield AddToxic(toxic)
        yield Release()
        yield from mended_after(until_a_call_failed(self.method), map(RemoveToxic, self._toxics))

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that the fault took effect."""
        return any(is_failed_call(event, self.method) for event in events)

    @property
    def _toxics(self) -> list[Toxic]:
        return [
            Toxic(type=kind, stream=self.stream, attributes=attributes, name=f"{self.name}-{kind}")
            for kind, attributes in KINDS[self.failure].toxics
        ]
