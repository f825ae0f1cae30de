"""Draws scenarios that run both in the simulated world and with real programs, from the faults that both support."""

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
# Minimum distance between faults in steps, so that each event can be attributed to one fault.
APART = 2
MOST_FAULTS = 3
STREAMS: tuple[Stream, ...] = ("upstream", "downstream")
# The methods that are called in every step.
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


# For each kind of fault, the function that draws one at a given place.
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
    """Return a run of eight steps with one to three faults, whose kinds and places follow from the seed."""
    chance = random.Random(f"comparable {seed}")  # noqa: S311 - repeatable, not secret
    faults = []
    # Not in the last step, in which too few requests may follow for a fault to take effect.
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
