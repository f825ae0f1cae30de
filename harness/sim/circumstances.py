"""Adds to a drawn schedule what only a share of the schedules has; the others do not depend on it."""

import random
from dataclasses import replace

from harness.plan.faults import HALVES, HARMS, PARTIES, Absence, BitRot, OtherClientFault, OvertakenRequest, TakeOver
from harness.plan.scenario import Scenario
from harness.sim.draw import OPEN, PASSED, drawn_place, with_fault
from harness.trace.place import At

__all__ = ["with_bit_rot", "with_harm_to_others", "with_overtaken_request", "with_silence", "with_take_over"]

# Points at which the trunk has its half of a checkpoint, and the client has not yet begun with its own.
BETWEEN_HALVES = ("trunk.checkpoint.saved", "trunk.sync.done")
# Seconds: longer than two beats of the client, and until a client that is away is continued in any case.
IDLE_TIMEOUT, LONGEST_ABSENCE = 12.0, 60.0
# Seconds that a run may take whose every step takes as long as a client may be silent, or longer.
SLOW_TIMEOUT = 900.0
# Points at which no checkpoint is being saved: what one side has saved alone makes up for no half of the other's.
IN_A_STEP = ("client.step.started", "client.forward.sent", "client.backward.sending", "client.commit.decided")
# Bits of a half's last tensors, and of all that a half may have; the latter are mostly in its header.
BITS = (8 * 8, 8 * 4096)
# Faults of other clients in a schedule that has such clients, and seconds for which one may be paused.
MOST_HARM, PAUSES = 2, (0.5, 2.0, 8.0)
# Where requests are sent that are of a step, by method.
OF_A_STEP = {
    "Compute": "client.forward.sending",
    "Backward": "client.backward.sending",
    "SyncTrainingState": "client.checkpoint.started",
}


def with_take_over(schedule: Scenario, seed: int) -> Scenario:
    """Return a schedule with one more fault: another client takes the session over on the first one's disk."""
    chance = random.Random(f"take-over {seed}")  # noqa: S311 - repeatable, not secret
    wanted = len(schedule.faults) + 1
    while len(schedule.faults) < wanted:
        place = drawn_place(schedule.config, chance, chance.choice((PASSED, BETWEEN_HALVES)))
        schedule = with_fault(schedule, TakeOver(place, chance.choice((0.05, 0.2, 1.0, 5.0))))
    return schedule


def with_silence(schedule: Scenario, seed: int) -> Scenario:
    """Return a schedule whose trunk soon gives up a silent client's place, with one more fault that makes it do so."""
    chance = random.Random(f"silence {seed}")  # noqa: S311 - as above
    impatient = replace(schedule, idle_timeout=IDLE_TIMEOUT, timeout=SLOW_TIMEOUT)
    wanted = len(schedule.faults) + 1
    while len(impatient.faults) < wanted:
        impatient = with_fault(impatient, Absence(drawn_place(schedule.config, chance, OPEN), LONGEST_ABSENCE))
    return impatient


def with_bit_rot(schedule: Scenario, seed: int) -> Scenario:
    """Return a schedule with one more fault, a bit of a checkpoint that is altered; the same if it saves too rarely."""
    chance = random.Random(f"bit rot {seed}")  # noqa: S311 - as above
    second_save = 2 * schedule.config.save_interval
    if second_save >= schedule.config.max_steps:
        return schedule
    point, step = chance.choice(IN_A_STEP), chance.randrange(second_save, schedule.config.max_steps)
    bit = chance.randrange(chance.choice(BITS))
    return with_fault(schedule, BitRot(At(point, step), chance.choice(PARTIES), chance.choice(HALVES), bit))


def with_harm_to_others(schedule: Scenario, seed: int) -> Scenario:
    """Return a schedule with up to two more faults, each of one of its other clients; the same if it has none."""
    chance = random.Random(f"harm to others {seed}")  # noqa: S311 - as above
    for _ in range(chance.randint(0, MOST_HARM) if schedule.other_clients else 0):
        client = chance.randint(2, 1 + len(schedule.other_clients))
        place = drawn_place(schedule.config, chance, OPEN)
        fault = OtherClientFault(place, client, chance.choice(HARMS), chance.choice(PAUSES))
        schedule = with_fault(schedule, fault)
    return schedule


def with_overtaken_request(schedule: Scenario, seed: int) -> Scenario:
    """Return a schedule with one more fault, a request that arrives when its step is over."""
    chance = random.Random(f"overtaken {seed}")  # noqa: S311 - as above
    method = chance.choice(list(OF_A_STEP))
    place = drawn_place(schedule.config, chance, [OF_A_STEP[method]])
    return with_fault(schedule, OvertakenRequest(place, method))
