"""Schedules of faults: which ones, at which places of a run, drawn from a seed."""

import random
from collections.abc import Mapping
from typing import TypeAlias

from harness.plan.faults import (
    NETWORK_FAILURES,
    PARTIES,
    VICTIMS,
    CutMessage,
    DropConnection,
    Fault,
    FlippedStream,
    Kill,
    NetworkFault,
    Partition,
    Pause,
    Restart,
    Victims,
)
from harness.plan.faults.flip import Part
from harness.plan.faults.toxic import Stream
from harness.trace.place import At

__all__ = ["Schedule", "anywhere", "every_few_steps", "random_pair", "storm"]

Schedule: TypeAlias = tuple[Fault, ...]

# Where an exchange is in flight or about to be, so that every fault has something to break.
BUSY = (
    "client.forward.sending", "client.forward.sent", "client.backward.sending", "client.backward.sent",
    "trunk.compute.received", "trunk.compute.done", "trunk.backward.received", "trunk.backward.done",
)  # fmt: skip
STEPS_BETWEEN = 6
STORM_STEPS = 3
STORM_FLIPS = 0.4


def random_pair(seed: int, steps: int, microbatches: int) -> Schedule:
    """Draw two faults of any kinds, so far apart that the second's traces cannot be mistaken for the first's.

    Args:
        seed: decides both.
        steps: number of steps of the run, at least six.
        microbatches: number of microbatches per step.
    """
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    # In the last step there may be too little in flight for a fault to show.
    first = chance.randrange(1, steps - 3)
    second = chance.randrange(first + 2, steps - 1)
    return tuple(_any_fault(_place(step, microbatches, chance), chance) for step in (first, second))


def every_few_steps(steps: int, microbatches: int, kills: Mapping[int, Victims]) -> Schedule:
    """Draw a network fault every few steps of a run; the length of the run is the seed.

    Args:
        steps: number of steps of the run.
        microbatches: number of microbatches per step.
        kills: parties to kill instead, at the first fault from a step on.
    """
    chance = random.Random(steps)  # noqa: S311 - repeatable, not secret
    faults: list[Fault] = []
    for step in range(4, steps - 1, STEPS_BETWEEN):
        at = _place(step, microbatches, chance)
        due = [victims for after, victims in kills.items() if after <= step < after + STEPS_BETWEEN]
        faults.append(Kill(at, due[0]) if due else _network_fault(at, chance))
    return tuple(faults)


def storm(seed: int, steps: int, microbatches: int) -> Schedule:
    """Draw faults of any kind throughout a run, killed programs as often as network faults.

    They are close together, so that one's effects may still be present when the next comes.

    Args:
        seed: decides kinds and places.
        steps: number of steps of the run.
        microbatches: number of microbatches per step.
    """
    chance = random.Random(f"storm {seed}")  # noqa: S311 - repeatable, not secret
    places = [_place(step, microbatches, chance) for step in range(2, steps - 1, STORM_STEPS)]
    return tuple(_flip(at, chance) if chance.random() < STORM_FLIPS else _any_fault(at, chance) for at in places)


def anywhere(seed: int, steps: int, microbatches: int) -> Schedule:
    """Draw a bit to alter anywhere in the byte stream, at every other step of a run.

    Args:
        seed: decides bits and places.
        steps: number of steps of the run.
        microbatches: number of microbatches per step.
    """
    chance = random.Random(f"flips {seed}")  # noqa: S311 - repeatable, not secret
    places = [_place(step, microbatches, chance) for step in range(2, steps - 2, 2)]
    return tuple(_flip(at, chance) for at in places)


def _flip(at: At, chance: random.Random) -> Fault:
    """Draw a bit of any byte, or of a rare part."""
    stream: Stream = chance.choice(("upstream", "downstream"))
    part: Part = chance.choice(("anywhere", "frame header", "headers", "data"))
    return FlippedStream(at, stream, part, chance.randrange(1 << 16))


def _place(step: int, microbatches: int, chance: random.Random) -> At:
    return At(chance.choice(BUSY), step, chance.randrange(microbatches))


def _network_fault(at: At, chance: random.Random) -> Fault:
    """Draw a fault that ends no program."""
    stream: Stream = chance.choice(("upstream", "downstream"))
    choices: Schedule = (
        Pause(at, chance.choice(PARTIES), 1.0),
        DropConnection(at),
        Partition(at, 1.0),
        CutMessage(at, stream, chance.randrange(1, 30_000)),
        NetworkFault(at, chance.choice(NETWORK_FAILURES), stream),
    )
    return chance.choice(choices)


def _any_fault(at: At, chance: random.Random) -> Fault:
    choices: Schedule = (
        *(Kill(at, victims) for victims in VICTIMS),
        *(_network_fault(at, chance) for _ in range(3)),
        Restart(at, chance.choice(PARTIES)),
    )
    return chance.choice(choices)
