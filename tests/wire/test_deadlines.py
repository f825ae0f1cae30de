"""Deadlines follow from the bytes in flight and the measured bandwidth, and are never shorter than the timeout."""

import pytest

from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire.deadlines import LEAST_BYTES, MOST_DOUBLINGS, SLACK, SLOWEST, Deadlines

MIB = 1 << 20


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def deadlines(clock):
    return Deadlines(60.0, clock)


def transfers(deadlines, clock, nbytes, seconds, times=1):
    """Let transfers happen one after the other."""
    for _ in range(times):
        transfer = deadlines.begin(nbytes)
        clock.sleep(seconds)
        deadlines.answered(transfer)


def test_small_messages_have_the_timeout(deadlines):
    assert [deadlines.begin(1000).timeout for _ in range(100)] == [60.0] * 100


def test_large_messages_have_time_on_a_slow_link_before_anything_is_measured(deadlines):
    assert deadlines.begin(100 * MIB).timeout == SLACK * 100 * MIB / SLOWEST


def test_what_is_in_flight_arrives_first(deadlines):
    first, second = deadlines.begin(50 * MIB), deadlines.begin(50 * MIB)
    deadlines.failed(first, late=False)
    third = deadlines.begin(50 * MIB)

    assert second.timeout == 2 * first.timeout == third.timeout


def test_a_measured_bandwidth_replaces_the_assumed_one(deadlines, clock):
    transfers(deadlines, clock, 10 * MIB, 20.0)

    assert deadlines.bandwidth == MIB / 2
    assert deadlines.begin(100 * MIB).timeout == SLACK * 200.0


def test_transfers_side_by_side_share_what_is_measured(deadlines, clock):
    pending = [deadlines.begin(MIB) for _ in range(8)]
    for transfer in pending:
        clock.sleep(1.0)
        deadlines.answered(transfer)

    # The last of them waited for the seven before it: 1 MiB arrived each second, not in eight.
    assert deadlines.bandwidth == MIB


def test_a_pause_of_the_client_does_not_make_the_link_slow(deadlines, clock):
    transfers(deadlines, clock, MIB, 1.0)
    transfers(deadlines, clock, MIB, 100.0, times=5)

    assert deadlines.bandwidth == MIB


def test_small_transfers_say_nothing_of_the_bandwidth(deadlines, clock):
    transfers(deadlines, clock, LEAST_BYTES - 1, 100.0, times=5)

    assert deadlines.bandwidth == SLOWEST


def test_a_reply_in_no_time_says_nothing(deadlines, clock):
    transfers(deadlines, clock, MIB, 0.0)

    assert deadlines.bandwidth == SLOWEST


def test_a_link_that_has_become_slower_is_measured_anew(deadlines, clock):
    transfers(deadlines, clock, 100 * MIB, 1.0)
    late = deadlines.begin(100 * MIB)
    assert late.timeout == 60.0

    clock.sleep(late.timeout)
    deadlines.failed(late, late=True)
    again = deadlines.begin(100 * MIB)
    assert again.timeout == 2 * SLACK * 100 * MIB / SLOWEST


def test_each_late_reply_doubles_the_next_deadline_up_to_a_limit(deadlines):
    given = []
    for _ in range(MOST_DOUBLINGS + 3):
        transfer = deadlines.begin(100 * MIB)
        given.append(transfer.timeout / (SLACK * 100 * MIB / SLOWEST))
        deadlines.failed(transfer, late=True)

    assert given == [1, 2, 4, 8, 16, 16, 16]


def test_an_answer_ends_the_doubling(deadlines, clock):
    deadlines.failed(deadlines.begin(100 * MIB), late=True)
    transfers(deadlines, clock, 1000, 1.0)

    assert deadlines.begin(100 * MIB).timeout == SLACK * 100 * MIB / SLOWEST


def test_late_small_messages_keep_the_timeout(deadlines):
    for _ in range(10):
        deadlines.failed(deadlines.begin(1000), late=True)

    assert deadlines.begin(1000).timeout == 60.0


def test_what_nobody_awaits_does_not_count(deadlines):
    for _ in range(10):
        deadlines.begin(100 * MIB)
    deadlines.forget_in_flight()

    assert deadlines.begin(MIB).timeout == 60.0
