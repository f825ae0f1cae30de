"""Draws a case from a seed: a schedule of faults, and the world in which it runs."""

import random
from dataclasses import replace

from harness.plan.links import LOOPBACK, LTE, SATELLITE, WAN_50MS
from harness.sim.arms import ARMS
from harness.sim.case import ArmName, Case, SimulatedIn
from harness.sim.circumstances import (
    with_bit_rot,
    with_harm_to_others,
    with_overtaken_request,
    with_silence,
    with_take_over,
)
from harness.sim.draw import draw_schedule

__all__ = ["case_of"]

# In one of so many schedules, other clients share the trunk: so many of them, as drawn.
OTHER_CLIENTS_EVERY = 8
OTHER_CLIENTS = (1, 1, 2, 3)
# In one of so many, another client takes the session over; in one of so many, every step takes longer than the trunk
# waits for a silent client; in one of so many, a checkpoint decays; in one of so many, a request is overtaken.
TAKE_OVERS_IN, SLOW_IN, ROTTEN_IN, OVERTAKEN_IN = 8, 8, 8, 4
SLOW_STEP_SECONDS = 14.0
# In one of so many schedules with one client and the arm's own settings, the client fetches the trunk's gradients.
RECORDING_IN = 5
# Of the network, none of which changes a bit; most schedules have the fastest.
LINKS = (LOOPBACK, LOOPBACK, LOOPBACK, WAN_50MS, LTE, SATELLITE)


def case_of(seed: int, arm: ArmName, faults: int = 0) -> Case:
    """Return the case that follows from a seed.

    Args:
        seed: seed of the schedule and of its world.
        arm: name of the arm, which decides the model.
        faults: number of faults; 0 means three to six, as drawn, and in a share of the seeds a few more.
    """
    shared = seed % OTHER_CLIENTS_EVERY == OTHER_CLIENTS_EVERY - 1
    others = random.Random(f"clients {seed}").choice(OTHER_CLIENTS) if shared else 0  # noqa: S311 - repeatable, not secret
    memory = random.Random(f"memory {seed}").choice(ARMS[arm].memories)  # noqa: S311 - as above
    chance = random.Random(f"settings {seed}")  # noqa: S311 - as above
    link, variant = chance.choice(LINKS), chance.choice(ARMS[arm].variants)
    records = chance.randrange(RECORDING_IN) == 0 and not shared
    config = ARMS[arm].config.but(**({} if shared or records else variant))
    schedule = replace(draw_schedule(seed, config, faults=faults, others=others, records=records), link=link)
    if faults:
        return Case(schedule, SimulatedIn(seed, arm, memory=memory))
    schedule = with_harm_to_others(schedule, seed)
    chance = random.Random(f"circumstances {seed}")  # noqa: S311 - as above
    taken_over, slow = chance.randrange(TAKE_OVERS_IN) == 0, chance.randrange(SLOW_IN) == 0
    if taken_over:
        schedule = with_take_over(schedule, seed)
    if slow:
        schedule = with_silence(schedule, seed)
    # Not where a superseded client may still be saving.
    if chance.randrange(ROTTEN_IN) == 0 and not taken_over:
        schedule = with_bit_rot(schedule, seed)
    if chance.randrange(OVERTAKEN_IN) == 0:
        schedule = with_overtaken_request(schedule, seed)
    return Case(schedule, SimulatedIn(seed, arm, memory=memory, step_seconds=SLOW_STEP_SECONDS if slow else 0.0))
