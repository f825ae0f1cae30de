"""Adversaries that attack alongside a run: peers that send malformed requests, and a lying trunk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator

from harness.plan.attack_effects import SendMalformed, TellLies, UntilAnswered
from harness.plan.faults.effects import Release, Script
from harness.plan.planned import Planned
from harness.plan.planned_json import planned_from_json, planned_json
from harness.trace.event import Event

__all__ = ["Adversary", "AnyAdversary", "HostilePeers", "KeepPace", "LyingTrunk"]


@dataclass(frozen=True)
class Adversary(Planned):
    """An attack alongside a run, or something that the run does because of one; breaks nothing that must be mended."""


def _from_json(value: object) -> Adversary:
    return planned_from_json(value, Adversary)  # type: ignore[type-abstract] # the type that is found is not


AnyAdversary: TypeAlias = Annotated[Adversary, PlainValidator(_from_json), PlainSerializer(planned_json)]


@dataclass(frozen=True)
class HostilePeers(Adversary):
    """Malformed requests are sent straight to the trunk from a point on, while the client trains.

    Attributes:
        at: where they begin; the session must have applied its second step.
        count: number of requests.
        seed: decides which ones.
    """

    count: int
    seed: int

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"fuzz-{self.count}-seed-{self.seed}"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"hostile peers send {self.count} malformed requests"

    def script(self) -> Script:
        """Start them as soon as the client continues."""
        yield Release()
        yield SendMalformed(self.count, self.seed)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that it took effect."""
        return any(event.point in ("fuzz.progress", "fuzz.finished") for event in events)


@dataclass(frozen=True)
class KeepPace(Adversary):
    """The client waits until hostile peers have had this many answers, so that they do not outlast it."""

    answered: int

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"await-{self.answered}-answers"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"holds the client until {self.answered} malformed requests are answered"

    def script(self) -> Script:
        """Wait while the client is held."""
        yield UntilAnswered(self.answered)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that it took effect."""
        return any(event.point == "adversary.began" and event.fields["adversary"] == self.name for event in events)


@dataclass(frozen=True)
class LyingTrunk(Adversary):
    """Clients get answers that no trunk gives, at every call; their clock stands still, so thousands take minutes.

    Attributes:
        at: where it begins.
        count: number of lies.
        seed: decides which ones.
    """

    count: int
    seed: int

    @property
    def kind(self) -> str:
        """What happens, as one word with its parameters."""
        return f"lie-{self.count}-seed-{self.seed}"

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"a trunk of its own tells clients {self.count} lies"

    def script(self) -> Script:
        """Wait until it is done, while the run is held."""
        yield TellLies(self.count, self.seed)

    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether events show that it took effect."""
        return any(event.point == "lies.finished" for event in events)
