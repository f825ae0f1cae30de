"""Draws a fault schedule, as a whole scenario, from one seed.

Each schedule uses a random subset of the kinds of fault (Groce et al., "Swarm Testing", ISSTA 2012): a schedule that
mixes all kinds rarely shows the interactions of a few of them.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness.errors import ScenarioError
from harness.plan.faults import (
    DISK_FAILURES,
    MESSAGE_FAILURES,
    NETWORK_FAILURES,
    PARTIES,
    VICTIMS,
    Blackhole,
    CutMessage,
    DiskFault,
    DropConnection,
    Fault,
    Kill,
    MessageFault,
    NetworkFault,
    Partition,
    Pause,
    PowerLoss,
    Restart,
)
from harness.plan.faults.damage import SPOTS
from harness.plan.faults.toxic import Stream
from harness.plan.scenario import Scenario
from harness.trace.place import At
from splitlearn.config import TrainingConfig
from splitlearn.points import POINTS, Frequency

__all__ = ["KINDS", "OPEN", "PASSED", "draw_schedule", "drawn_place", "with_fault"]

Draw = Callable[[At, random.Random], Fault]
STREAMS: tuple[Stream, ...] = ("upstream", "downstream")
METHODS = ("Compute", "Backward", "SyncTrainingState", "OpenSession")
GRADIENTS = ".gradients."
SENDING = {
    "GetGradients": "client.gradients.sending",
    "Compute": "client.forward.sending",
    "Backward": "client.backward.sending",
    "SyncTrainingState": "client.checkpoint.started",
    "OpenSession": "client.session.opening",
}


def _message(at: At, chance: random.Random) -> MessageFault:
    method = "GetGradients" if GRADIENTS in at.point else chance.choice(METHODS)
    place = replace(at, point=SENDING[method]) if POINTS[at.point] is POINTS[SENDING[method]] else At(SENDING[method])
    return MessageFault(place, chance.choice(MESSAGE_FAILURES), method, chance.choice(SPOTS))


# How often a disk fails: mostly once, sometimes for as long as several starts of a program take.
TIMES = (1, 1, 1, 2, 4, 8)
# For each kind of fault, the function that draws one at a given place.
KINDS: Mapping[str, Draw] = {
    "kill": lambda at, chance: Kill(at, chance.choice(VICTIMS)),
    "power loss": lambda at, chance: PowerLoss(at, chance.choice(PARTIES), chance.choice((0, 1, 2, 3, 5, 8))),
    "disk": lambda at, chance: DiskFault(
        at, chance.choice(DISK_FAILURES), chance.choice(PARTIES), chance.choice(TIMES)
    ),
    "restart": lambda at, chance: Restart(at, chance.choice(PARTIES)),
    "pause": lambda at, chance: Pause(at, chance.choice(PARTIES), chance.choice((0.5, 2.0, 8.0))),
    "drop": lambda at, _chance: DropConnection(at),
    "partition": lambda at, chance: Partition(at, chance.choice((0.1, 1.0, 5.0))),
    "cut": lambda at, chance: CutMessage(at, chance.choice(STREAMS), chance.randrange(1, 2000)),
    "network": lambda at, chance: NetworkFault(at, chance.choice(NETWORK_FAILURES), chance.choice(STREAMS)),
    "blackhole": lambda at, _chance: Blackhole(at),
    "message": _message,
}
FEWEST, MOST = 3, 6
FEWEST_KINDS = 2
# Points that the drawn settings cannot make a run pass.
NEVER = frozenset({"client.step.skipped", "trunk.graph.recomputed"})
# Points that a run may pass, and those at which the client has its session open; and those that it passes only if it
# records whole steps, which are drawn several times as often then.
PASSED = tuple(point for point in POINTS if point not in NEVER and GRADIENTS not in point)
OPEN = tuple(point for point in PASSED if POINTS[point] is not Frequency.RUN)
RECORDING = 3 * tuple(point for point in POINTS if GRADIENTS in point)
# Checkpoint intervals by the number of microbatches, of which there is mostly one. Few pairs, because each needs an
# undisturbed run of its own.
INTERVALS = {1: (1, 2, 3, 4), 2: (1, 3), 3: (2,)}
# Of three microbatches, two at a time are in flight.
SCHEDULES: Mapping[int, Mapping[str, object]] = {3: {"schedule": "1f1b", "window": 2}}


def draw_schedule(
    seed: int, config: TrainingConfig, *, faults: int = 0, others: int = 0, records: bool = False
) -> Scenario:
    """Return a scenario whose faults, their places and some settings follow from a seed.

    Args:
        seed: seed of the schedule.
        config: base settings; the number of microbatches and the checkpoint interval are replaced by drawn ones.
        faults: number of faults; 0 means three to six, as drawn.
        others: number of other clients that train with the same trunk, each at a learning rate of its own.
        records: whether the client fetches the trunk's gradients in every step.
    """
    chance = random.Random(f"schedule {seed}")  # noqa: S311 - repeatable, not secret
    microbatches = chance.choice((1, 1, 1, 1, 2, 3))
    drawn = config.but(
        gradient_accumulation_steps=microbatches,
        save_interval=chance.choice(INTERVALS[microbatches]),
        **SCHEDULES.get(microbatches, {}),
    )
    kinds = chance.sample(list(KINDS), chance.randint(FEWEST_KINDS, len(KINDS)))
    plain = Scenario(f"schedule-{seed}", f"Faults drawn from seed {seed}", drawn)
    rates = [number * drawn.learning_rate for number in range(2, 2 + others)]
    plain = replace(
        plain,
        other_clients=tuple(drawn.but(learning_rate=rate) for rate in rates),
        record_steps=tuple(range(drawn.max_steps)) if records else (),
    )
    wanted = faults or chance.randint(FEWEST, MOST)
    points = PASSED + (RECORDING if records else ())
    while len(plain.faults) < wanted:
        place = drawn_place(drawn, chance, points)
        plain = with_fault(plain, KINDS[chance.choice(kinds)](place, chance))
    return plain


def with_fault(schedule: Scenario, fault: Fault) -> Scenario:
    """Return the schedule with one more fault; unchanged if it cannot have that one."""
    try:
        return replace(schedule, faults=(*schedule.faults, fault))
    except ScenarioError:
        return schedule  # a duplicate of another fault, or at a place that this run does not pass


def drawn_place(config: TrainingConfig, chance: random.Random, points: Sequence[str]) -> At:
    """Return one of some points, with a step and microbatch at which a run passes it."""
    point = chance.choice(points)
    step, microbatch = chance.randrange(config.max_steps), chance.randrange(config.gradient_accumulation_steps)
    match POINTS[point]:
        case Frequency.MICROBATCH:
            return At(point, step, microbatch)
        case Frequency.STEP:
            return At(point, step)
        case Frequency.CHECKPOINT:
            return At(point, occurrence=chance.randint(1, 3))
        case _:
            return At(point, occurrence=chance.randint(1, 2))
