"""Runs adversaries alongside a run: separate programs, whose progress goes into the trace."""

from dataclasses import asdict

from harness.engine.memory_sampler import sample_memory
from harness.engine.world import World
from harness.errors import HarnessError
from harness.fuzz.program import FuzzProgram
from harness.fuzz.report import PROGRESS_EVERY
from harness.fuzz.target import Target
from harness.trace.place import At

__all__ = ["send_malformed", "tell_lies", "wait_for_answers"]

# For as many further answers as there are between two places at which the client waits.
PACE_TIMEOUT = 300.0


def send_malformed(world: World, count: int, seed: int) -> None:
    """Have hostile peers send `count` requests, and wait for their end.

    Records every hundred answers, with the trunk's memory at that moment. Raises `HarnessError` if the run or the trunk
    ends before they do.
    """

    def tell(answered: int) -> None:
        if world.over.is_set():
            raise HarnessError(f"the run ended when {answered} of {count} requests were answered")
        resident = [sample.nbytes for sample in sample_memory(world.parties, 0) if sample.party == "trunk"]
        if not resident:
            raise HarnessError(f"the trunk is gone when {answered} of {count} requests were answered")
        step = answered // PROGRESS_EVERY
        world.observer.note("harness", "fuzz.progress", step=step, answered=answered, resident=resident[0])

    with FuzzProgram(_target(world), seed, count) as program:
        report = program.report(tell)
    world.observer.note("harness", "fuzz.finished", **asdict(report))


def wait_for_answers(world: World, count: int) -> None:
    """Wait until hostile peers have had `count` answers; raises `HarnessError` if no more will come."""

    def raise_if_over() -> None:
        if world.over.is_set() or any(event.point == "adversary.gave_up" for event in world.observer.events):
            raise HarnessError(f"the hostile peers ended before {count} answers")

    world.observer.wait_for(At("fuzz.progress", count // PROGRESS_EVERY), PACE_TIMEOUT, meanwhile=raise_if_over)


def tell_lies(world: World, count: int, seed: int) -> None:
    """Have a lying trunk tell `count` lies; raises `HarnessError` if it does not finish."""
    with FuzzProgram(None, seed, count) as program:
        report = program.report()
    world.observer.note("harness", "lies.finished", **asdict(report))


def _target(world: World) -> Target:
    """Return what the run's own client knows, so that requests fit the trunk except for their flaws."""
    # Few runs need torch in this process.
    from splitlearn.agreement import agreement  # noqa: PLC0415 - as said above
    from splitlearn.models import FAMILY  # noqa: PLC0415 - as said above

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
        parameters=identity.parameter_order,
    )
