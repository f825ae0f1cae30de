"""What a fault's script may act on: the network, the parties, the relay; and how it waits."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from harness.engine.network import Network
from harness.engine.observer import Observer
from harness.engine.party import Party
from harness.errors import HarnessError
from harness.relay.flipper import Flipper
from harness.relay.relay import Relay
from harness.trace.event import Event
from harness.trace.place import At
from splitlearn.config import TrainingConfig

__all__ = ["World"]


@dataclass
class World:
    """The parts of one run.

    Attributes:
        parties: client and trunk.
        observer: receives events from both.
        config: the run's.
        over: set when the run has ended.
    """

    parties: Mapping[str, Party]
    observer: Observer
    config: TrainingConfig
    over: threading.Event
    _network: Network | None = None
    _relay: Relay | None = None
    _flipper: Flipper | None = None

    @property
    def network(self) -> Network:
        """The network between the parties; raises `HarnessError` if there is none, or none yet."""
        if self._network is None:
            raise HarnessError("there is no proxy to break here")
        return self._network

    @property
    def relay(self) -> Relay:
        """The hop that damages single messages; raises `HarnessError` if there is none, or none yet."""
        if self._relay is None:
            raise HarnessError("there is no relay to break here")
        return self._relay

    @property
    def flipper(self) -> Flipper:
        """The hop that alters single bits; raises `HarnessError` if there is none, or none yet."""
        if self._flipper is None:
            raise HarnessError("there is no flipper to break here")
        return self._flipper

    def connect(self, network: Network, relay: Relay | None, flipper: Flipper | None) -> None:
        """Set what lies between the parties, once it is up."""
        self._network, self._relay, self._flipper = network, relay, flipper

    def wait_for(self, at: At, since: Event, timeout: float, **fields: object) -> Event:
        """Wait for a place to be passed after an event, with these fields.

        Raises:
            HarnessError: the run has ended, or (`TimedOutError`) the event did not come.
        """
        return self.observer.wait_for(at, timeout, since.number, self._raise_if_over, fields)

    def wait_for_trunk(self, since: Event, timeout: float) -> None:
        """Wait until a restarted trunk serves, even if the client's work is done meanwhile.

        Raises:
            HarnessError: it has ended, or (`TimedOutError`) does not serve in time.
        """
        trunk = self.parties["trunk"]
        self.observer.wait_for(At("trunk.server.ready"), timeout, since.number, trunk.must_live)

    def let_pass(self, seconds: float) -> None:
        """Wait for some seconds, unless the run ends."""
        self.over.wait(seconds)

    def _raise_if_over(self) -> None:
        if self.over.is_set():
            raise HarnessError("the run ended")
