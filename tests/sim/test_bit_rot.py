"""A bit of a checkpoint is altered on the disk: the one before is used, and nobody trains with the altered one."""

from pathlib import Path

import pytest
from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import PARTIES, BitRot, TakeOver
from harness.sim.ablating import violation_without
from harness.sim.case import Case, SimulatedIn
from harness.sim.draw_case import case_of
from harness.trace.place import At
from splitlearn.runtime.simulated import MemoryDisk

# Checkpoints are of the steps 3, 6 and 8.
ONE_CHECKPOINT, TWO_CHECKPOINTS = At("client.forward.sent", 5, 0), At("client.forward.sent", 7, 0)
IN_A_TENSOR, IN_THE_HEADER = 3, 8 * 300


def resumed_at(outcome):
    """Return the steps at which the client has opened its session, without the first."""
    return [event.step for event in outcome.events if event.point == "client.session.opened"][1:]


@pytest.mark.parametrize("bit", [IN_A_TENSOR, IN_THE_HEADER])
@pytest.mark.parametrize("victim", PARTIES)
def test_the_checkpoint_before_an_altered_one_is_used(victim, bit):
    fault = BitRot(TWO_CHECKPOINTS, victim, "newest", bit)
    outcome = simulated(scenario_of(fault))

    assert outcome.violation is None
    assert fault.shows(outcome.events)
    assert [3] == resumed_at(outcome)
    assert 6 == next(event.step for event in outcome.events if event.point == "disk.altered")


@pytest.mark.parametrize("victim", PARTIES)
def test_nobody_needs_the_oldest_of_two(victim):
    outcome = simulated(scenario_of(BitRot(TWO_CHECKPOINTS, victim, "oldest", IN_A_TENSOR)))

    assert outcome.violation is None
    assert [6] == resumed_at(outcome)


def test_the_only_checkpoint_is_left_alone():
    fault = BitRot(ONE_CHECKPOINT, "client")
    outcome = simulated(scenario_of(fault))

    assert outcome.violation is None
    assert not fault.shows(outcome.events)
    failed = next(event for event in outcome.events if event.point == "fault.failed")
    assert "need every half" in failed.fields["reason"]


def test_the_checkpoint_that_a_party_went_back_to_is_left_alone():
    again = BitRot(At("client.forward.sent", 4, 0, occurrence=2), "client")  # between the steps 3 and 6
    outcome = simulated(scenario_of(BitRot(TWO_CHECKPOINTS, "client"), again))

    assert outcome.violation is None
    assert [6] == [event.step for event in outcome.events if event.point == "disk.altered"]
    assert "fault.failed" in [event.point for event in outcome.events]


def test_without_its_digests_an_altered_half_is_trained_with():
    case = Case(scenario_of(BitRot(TWO_CHECKPOINTS, "client", bit=IN_A_TENSOR)), SimulatedIn(0))

    assert violation_without("", case) is None
    assert "bits" == violation_without("digests-of-a-half", case).invariant


def test_a_disk_keeps_an_altered_file_in_a_crash():
    disk = MemoryDisk()
    disk.write(Path("/file"), b"whole")
    disk.sync_folder(Path("/"))
    disk.alter(Path("/file"), b"whale")
    disk.crash()

    assert b"whale" == disk.read(Path("/file"))


def test_drawn_schedules_alter_bits_but_not_where_a_superseded_client_may_be_saving():
    schedules = [case_of(seed, "stub").scenario for seed in range(200)]
    rotten = [each for each in schedules if any(isinstance(fault, BitRot) for fault in each.faults)]

    assert len(rotten) > 5
    assert not any(isinstance(fault, TakeOver) for each in rotten for fault in each.faults)
    assert CONFIG.max_steps == rotten[0].config.max_steps
