"""Runs that the simulated world and real programs can both make: schedules of every kind of fault that both know."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from harness.plan.faults import (
    MESSAGE_FAILURES,
    NETWORK_FAILURES,
    PARTIES,
    VICTIMS,
    CutMessage,
    DropConnection,
    Fault,
    Kill,
    MessageFault,
    NetworkFault,
    Partition,
    Pause,
    Restart,
)
from harness.plan.faults.damage import SPOTS
from harness.plan.faults.toxic import Stream
from harness.plan.matrices import CONFIG, RECOVERY_BOUND
from harness.plan.rpcs import RPCS
from harness.plan.scenario import Scenario
from harness.trace.place import At

__all__ = ["KINDS", "comparable"]

STEPS = 8
MICROBATCHES = CONFIG.gradient_accumulation_steps
# So far apart that the traces of one fault cannot be mistaken for another's.
APART = 2
MOST_FAULTS = 3
STREAMS: tuple[Stream, ...] = ("upstream", "downstream")
# Those of every step; a session is opened, and gradients are fetched, at few of them.
METHODS = tuple(rpc for rpc in RPCS if rpc.method in ("Compute", "Backward"))
BUSY = (
    "client.forward.sending", "client.forward.sent", "client.backward.sending", "client.backward.sent",
    "trunk.compute.received", "trunk.compute.done", "trunk.backward.received", "trunk.backward.done",
)  # fmt: skip
Draw = Callable[[At, random.Random], Fault]


def _message(at: At, chance: random.Random) -> Fault:
    rpc = chance.choice(METHODS)
    place = replace(at, point=rpc.sending.point)
    return MessageFault(place, chance.choice(MESSAGE_FAILURES), rpc.method, chance.choice(SPOTS))


# How a fault of each kind is drawn, at a place.
KINDS: Mapping[str, Draw] = {
    "kill": lambda at, chance: Kill(at, chance.choice(VICTIMS)),
    "restart": lambda at, chance: Restart(at, chance.choice(PARTIES)),
    "pause": lambda at, chance: Pause(at, chance.choice(PARTIES), 1.0),
    "drop": lambda at, _chance: DropConnection(at),
    "partition": lambda at, _chance: Partition(at, 1.0),
    "cut": lambda at, chance: CutMessage(at, chance.choice(STREAMS), chance.randrange(1, 30_000)),
    "network": lambda at, chance: NetworkFault(at, chance.choice(NETWORK_FAILURES), chance.choice(STREAMS)),
    "message": _message,
}


def comparable(seed: int) -> Scenario:
    """Return a short run with one to three faults of any kinds; kinds and places follow from the seed."""
    chance = random.Random(f"comparable {seed}")  # noqa: S311 - repeatable, not secret
    faults = []
    # In the last step there may be too little in flight for a fault to show.
    step = chance.randint(1, APART)
    for _ in range(chance.randint(1, MOST_FAULTS)):
        if step < STEPS - 1:
            at = At(chance.choice(BUSY), step, chance.randrange(MICROBATCHES))
            faults.append(KINDS[chance.choice(list(KINDS))](at, chance))
        step += chance.randint(APART, APART + 1)
    title = " and ".join(f"{fault.detail} at {fault.at}" for fault in faults)
    return Scenario(
        f"comparable-{seed}",
        title[:1].upper() + title[1:],
        CONFIG.but(max_steps=STEPS),
        faults=tuple(faults),
        record_steps=(3,),
        recovery_bound=RECOVERY_BOUND,
    )
