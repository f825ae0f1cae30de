"""Schedules order the same work differently, and bound how many microbatches are open."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitlearn.client.schedule import SCHEDULES, Action, Work, schedule_of
from splitlearn.config import TrainingConfig
from splitlearn.errors import ConfigError

NUMBERS = st.integers(1, 40), st.integers(1, 12)


def most_open(actions):
    """Return the largest number of microbatches that are open at a time, from forward to backward pass."""
    done, most = Counter(), 0
    for action in actions:
        done[action.work] += 1
        most = max(most, done[Work.FORWARD] - done[Work.BACKWARD])
    return most


@given(st.sampled_from(sorted(SCHEDULES)), *NUMBERS)
def test_every_microbatch_passes_once_and_in_order(name, microbatches, window):
    actions = SCHEDULES[name](microbatches, window)

    assert len(actions) == 3 * microbatches
    for work in Work:
        assert [action.microbatch for action in actions if action.work is work] == [*range(microbatches)]
    for microbatch in range(microbatches):
        assert [action.work for action in actions if action.microbatch == microbatch] == [*Work]


@given(*NUMBERS)
def test_all_forward_all_backward_opens_every_microbatch(microbatches, window):
    assert microbatches == most_open(SCHEDULES["afab"](microbatches, window))


@given(*NUMBERS)
def test_one_forward_one_backward_opens_as_many_as_the_window_allows(microbatches, window):
    assert min(window, microbatches) == most_open(SCHEDULES["1f1b"](microbatches, window))


@given(*NUMBERS)
def test_in_the_steady_state_half_of_the_open_microbatches_wait_for_features_and_half_for_gradients(
    microbatches, window
):
    forwards = tops = backwards = 0
    for action in SCHEDULES["1f1b"](microbatches, window):
        forwards += action.work is Work.FORWARD
        tops += action.work is Work.TOP
        backwards += action.work is Work.BACKWARD
        if forwards < microbatches:  # neither at the end, when no microbatch is left to begin
            assert tops - backwards <= window // 2 + 1


def test_four_microbatches_with_two_open():
    forward, top, backward = Work
    order = [(forward, 0), (forward, 1), (top, 0), (top, 1), (backward, 0), (forward, 2), (top, 2), (backward, 1),
             (forward, 3), (top, 3), (backward, 2), (backward, 3)]  # fmt: skip

    assert [Action(*each) for each in order] == schedule_of(TrainingConfig(schedule="1f1b", window=2), 4)


def test_more_microbatches_than_may_be_in_flight_need_the_other_schedule():
    assert TrainingConfig.parse({"gradient_accumulation_steps": 129, "schedule": "1f1b"}).window == 4
    with pytest.raises(ConfigError, match="at most 128 can be in flight at once; set schedule to 1f1b"):
        TrainingConfig.parse({"gradient_accumulation_steps": 129})
