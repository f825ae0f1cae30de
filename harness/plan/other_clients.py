"""The clients that train at the same trunk as the first one: their names, their sessions, and rules for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.plan.faults import OtherClientFault
from harness.trace.event import Event
from splitlearn.config import Scope, TrainingConfig, names_of

if TYPE_CHECKING:
    from harness.plan.scenario import Scenario

__all__ = [
    "SESSION", "OtherClient", "faults_of_other_clients_have_one", "other_clients_agree_with_the_trunk",
    "other_clients_have_a_trunk_to_share", "other_clients_of", "session_of",
]  # fmt: skip

# Name of the first client's session.
SESSION = "run"


def session_of(party: str) -> str:
    """Return the name of a client's session, which has the client's number; of no client, the first one's."""
    _, _, number = party.partition("-")
    return f"{SESSION}-{number}" if number else SESSION


@dataclass(frozen=True)
class OtherClient:
    """A client besides the first.

    Attributes:
        party: what it is called in traces, logs and recordings.
        config: its settings; who runs it sets addresses and folders.
    """

    party: str
    config: TrainingConfig

    @property
    def session(self) -> str:
        """Name of its session."""
        return session_of(self.party)

    def owns(self, event: Event) -> bool:
        """Return whether an event is this client's, or one of the trunk's in its session."""
        return event.party == self.party or event.fields.get("session") == self.session


def other_clients_of(scenario: "Scenario") -> tuple[OtherClient, ...]:
    """Return a scenario's clients besides the first, which are numbered from 2."""
    numbered = enumerate(scenario.other_clients, start=2)
    return tuple(OtherClient(f"client-{number}", config) for number, config in numbered)


def other_clients_have_a_trunk_to_share(scenario: "Scenario") -> Iterator[str]:
    """No other client can reach a trunk in the first client's process."""
    if scenario.other_clients and scenario.topology == "local":
        yield "other clients cannot reach a trunk in the first one's process; make the topology 'direct' or 'proxy'"
    if "other_clients" in scenario.checks and not scenario.other_clients:
        yield "the check 'other_clients' needs another client; set other_clients to the settings of each"


def faults_of_other_clients_have_one(scenario: "Scenario") -> Iterator[str]:
    """A client that does not exist comes to no harm."""
    for fault in scenario.faults:
        if isinstance(fault, OtherClientFault) and fault.client not in range(2, 2 + len(scenario.other_clients)):
            yield f"{fault.name}: there is no {fault.party}; name one of other_clients, which are numbered from 2"


def other_clients_agree_with_the_trunk(scenario: "Scenario") -> Iterator[str]:
    """A trunk computes with these settings for all of its clients, and refuses one that has others."""
    for other in other_clients_of(scenario):
        for name in names_of(Scope.BOTH, Scope.MODEL, Scope.MACHINES):
            own, first = getattr(other.config, name), getattr(scenario.config, name)
            if own != first:
                yield f"{name} is {own} at {other.party} and {first} at the first client; clients of one trunk share it"
