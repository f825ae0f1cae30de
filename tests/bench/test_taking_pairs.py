"""Samples of two ways are taken in turn."""

import pytest

from harness.bench import pairs
from harness.bench.pairs import pairs_of, timed


def test_each_way_comes_first_in_every_other_pair():
    order = []

    def taking(way):
        return lambda: order.append(way) or len(order)

    taken = pairs_of(3, taking("A"), taking("B"))

    assert "".join(order) == "ABBAAB"
    assert taken == [(1, 2), (4, 3), (5, 6)]


@pytest.fixture
def clock(monkeypatch):
    """A clock on which every call of what is timed takes a quarter of a second."""
    called = []
    monkeypatch.setattr(pairs.time, "perf_counter", lambda: len(called) / 4)
    return lambda: called.append(None), called


def test_a_long_act_is_a_sample_of_its_own(clock):
    act, called = clock

    assert timed(act)() == 0.25
    assert len(called) == 1


def test_a_short_act_is_called_until_its_sample_is_long_enough_and_counts_by_the_mean(clock):
    act, called = clock
    sample = timed(act, at_least=2.0)
    called.clear()

    assert sample() == 0.25
    assert len(called) == 8
