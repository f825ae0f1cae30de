"""Deadlines follow from the bytes in flight and the measured bandwidth, and are never shorter than the timeout."""

import pytest

from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire.deadlines import DECAY, LEAST, LEAST_BYTES, SLACK, SLOWEST, Deadlines
from splitlearn.wire.trunk_link import Position
from splitlearn.wire.unfinished import Unfinished

MIB = 1 << 20
ANY = 1e9


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def deadlines(clock):
    return Deadlines(60.0, clock)


def transfers(deadlines, clock, nbytes, seconds, times=1):
    """Let transfers happen one after the other."""
    for _ in range(times):
        transfer = deadlines.begin(nbytes, ANY)
        clock.sleep(seconds)
        deadlines.answered(transfer)


def test_small_messages_have_the_timeout(deadlines):
    assert [deadlines.begin(1000, ANY).timeout for _ in range(100)] == [60.0] * 100


def test_large_messages_have_time_on_a_slow_link_before_anything_is_measured(deadlines):
    assert deadlines.begin(100 * MIB, ANY).timeout == SLACK * 100 * MIB / SLOWEST


def test_no_attempt_takes_longer_than_it_may_unless_that_is_less_than_the_timeout(deadlines):
    assert [deadlines.begin(100 * MIB, most).timeout for most in (300.0, 10.0)] == [300.0, 60.0]


def test_what_is_in_flight_arrives_first(deadlines):
    first, second = deadlines.begin(50 * MIB, ANY), deadlines.begin(50 * MIB, ANY)
    deadlines.failed(first, late=False)
    third = deadlines.begin(50 * MIB, ANY)

    assert second.timeout == 2 * first.timeout == third.timeout


def test_a_measured_bandwidth_replaces_the_assumed_one(deadlines, clock):
    transfers(deadlines, clock, 10 * MIB, 20.0)

    assert deadlines.bandwidth == MIB / 2
    assert deadlines.begin(100 * MIB, ANY).timeout == SLACK * 200.0


def test_transfers_side_by_side_share_what_is_measured(deadlines, clock):
    pending = [deadlines.begin(MIB, ANY) for _ in range(8)]
    for transfer in pending:
        clock.sleep(1.0)
        deadlines.answered(transfer)

    # The last of them waited for the seven before it: 1 MiB arrived each second, not in eight.
    assert deadlines.bandwidth == MIB


def test_replies_that_waited_for_the_client_do_not_make_the_link_fast(deadlines, clock):
    """All of them have arrived while the client computed, and are credited to nothing that was sent later."""
    pending = [deadlines.begin(MIB, ANY) for _ in range(8)]
    clock.sleep(8.0)
    last = deadlines.begin(MIB, ANY)
    for transfer in pending:
        deadlines.answered(transfer)
    clock.sleep(1.0)
    deadlines.answered(last)

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
    late = deadlines.begin(100 * MIB, ANY)
    assert late.timeout == 60.0

    clock.sleep(late.timeout)
    deadlines.failed(late, late=True)
    assert deadlines.bandwidth == DECAY * 100 * MIB
    transfers(deadlines, clock, 100 * MIB, 50.0)
    assert deadlines.bandwidth == 2 * MIB


def test_what_is_late_together_counts_once(deadlines, clock):
    pending = [deadlines.begin(MIB, ANY) for _ in range(8)]
    clock.sleep(60.0)
    for transfer in pending:
        deadlines.failed(transfer, late=True)

    assert deadlines.bandwidth == DECAY * SLOWEST


def test_each_late_reply_lowers_what_is_assumed_down_to_a_limit(deadlines, clock):
    assumed = []
    for _ in range(4):
        transfer = deadlines.begin(100 * MIB, ANY)
        clock.sleep(60.0)
        deadlines.failed(transfer, late=True)
        assumed.append(deadlines.bandwidth)

    assert assumed == [SLOWEST / 4, SLOWEST / 16, LEAST, LEAST]


def test_late_small_messages_keep_the_timeout(deadlines, clock):
    for _ in range(10):
        deadlines.failed(deadlines.begin(1000, ANY), late=True)
        clock.sleep(1.0)

    assert deadlines.begin(1000, ANY).timeout == 60.0


def test_what_nobody_awaits_does_not_count(deadlines):
    for _ in range(10):
        deadlines.begin(100 * MIB, ANY)
    deadlines.forget_in_flight()

    assert deadlines.begin(MIB, ANY).timeout == 60.0


def test_the_first_forward_pass_of_another_step_ends_the_one_before():
    """Of which calls may be left that nobody awaits, if it was skipped."""
    unfinished = Unfinished()
    begun = [unfinished.begin(Position(step, microbatch, 2)) for step, microbatch in ((0, 0), (0, 1), (1, 0), (1, 1))]

    assert begun == [True, False, True, False]
