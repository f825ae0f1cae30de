"""Hostile peers as faults of a scenario: they begin at a point, and the client waits for them at others."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from harness.errors import HarnessError
from harness.events import At, Event
from harness.faults.fault import named
from harness.fuzz.program import FuzzProgram
from harness.fuzz.report import FuzzReport
from harness.fuzz.sending import PROGRESS_EVERY
from harness.fuzz.target import Target
from harness.memory import sample_memory
from harness.world import World
from splitlearn.agreement import agreement
from splitlearn.models import FAMILY

__all__ = ["HostilePeers", "KeepPace"]

# Until as many more have been answered as lie between two places at which the client waits.
PACE_TIMEOUT = 300.0


@dataclass(frozen=True)
class HostilePeers:
    """Malformed requests go straight to the trunk from a point on, while the client trains.

    Attributes:
        at: where they begin; the session must have applied its second step.
        count: of requests.
        seed: decides which.
    """

    at: At
    count: int
    seed: int

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named(f"fuzz-{self.count}-seed-{self.seed}", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"hostile peers send {self.count} malformed requests"

    def inject(self, world: World) -> None:
        """Let them begin as soon as the client goes on."""

    def heal(self, world: World, since: Event) -> None:
        """Wait until they are done; tells of every hundred answers, and of the trunk's memory at that moment."""
        with FuzzProgram(self._target(world), self.seed, self.count) as program:
            for told in program.progress():
                if isinstance(told, FuzzReport):
                    world.observer.note("harness", "fuzz.finished", **asdict(told))
                    return
                if world.over.is_set():
                    raise HarnessError(f"the run ended when {told} of {self.count} requests were answered")
                resident = [sample.nbytes for sample in sample_memory(world.parties, 0) if sample.party == "trunk"]
                if not resident:
                    raise HarnessError(f"the trunk is gone when {told} of {self.count} requests were answered")
                step = told // PROGRESS_EVERY
                world.observer.note("harness", "fuzz.progress", step=step, answered=told, resident=resident[0])

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect."""
        return any(event.point in ("fuzz.progress", "fuzz.finished") for event in events)

    def _target(self, world: World) -> Target:
        """Know what the run's own client knows, so that requests fit the trunk but for what is wrong with them."""
        last = {event.point: event.fields for event in list(world.observer.events)}
        opened, config = last["trunk.session.opened"], world.config
        _, identity = FAMILY.load_client(config)
        return Target(
            address=str(last["trunk.server.ready"]["address"]),
            session=str(opened["session"]),
            incarnation=int(opened["incarnation"]),
            hidden_size=identity.hidden_size,
            max_message_bytes=config.max_message_bytes,
            agreement=agreement(config, identity),
        )


@dataclass(frozen=True)
class KeepPace:
    """The client waits until hostile peers have had so many answers, so that they are not done after it is."""

    at: At
    answered: int

    @property
    def name(self) -> str:
        """Short name for reports."""
        return named(f"await-{self.answered}-answers", self.at)

    @property
    def detail(self) -> str:
        """What it does, in words."""
        return f"holds the client until {self.answered} malformed requests are answered"

    def inject(self, world: World) -> None:
        """Wait; the client is held. Raises `HarnessError` when no more answers will come."""

        def raise_if_over() -> None:
            if world.over.is_set() or any(event.point == "fault.unhealed" for event in world.observer.events):
                raise HarnessError(f"the hostile peers ended before {self.answered} answers")

        place = At("fuzz.progress", self.answered // PROGRESS_EVERY)
        world.observer.wait_for(place, PACE_TIMEOUT, meanwhile=raise_if_over)

    def heal(self, world: World, since: Event) -> None:
        """Nothing is left to mend."""

    def shows(self, events: Sequence[Event]) -> bool:
        """Whether events show that the fault took effect."""
        return any(event.point == "fault.injected" and event.fields["fault"] == self.name for event in events)
