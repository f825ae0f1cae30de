"""The lines that a long exploration writes to a log, and what it says of its coverage."""

import pytest

from harness.commands.coverage_progress import LINE_SECONDS, CoverageProgress
from harness.sim.findings import Failure, Findings


class Log:
    """A progress without a terminal, its time and its lines."""

    def __init__(self):
        self.seconds = 0.0
        self.lines = []
        self.progress = CoverageProgress(0, self.lines.append, lambda: self.seconds)

    def show(self, schedules, states):
        self.progress.show(Findings(schedules=schedules, states=set(range(states))))


@pytest.fixture
def log():
    return Log()


def test_a_line_a_minute_is_written_without_a_terminal(log):
    for _ in range(4):
        log.seconds += LINE_SECONDS / 2
        log.show(50, 7)

    assert log.lines == ["50 schedules, 7 states, 0 violated an invariant"] * 2


def test_a_failure_is_printed_once_as_soon_as_it_is_found(log):
    failures = [Failure(7, "bits", "a loss differs"), Failure(9, "liveness", "nobody moves")]
    for known in (0, 1, 1, 2):
        log.progress.show(Findings(schedules=50, failures=failures[:known]))

    assert log.lines == ["seed 7: bits: a loss differs", "seed 9: liveness: nobody moves"]


def test_states_reached_in_the_last_tenth_mean_that_coverage_still_rises(log):
    for schedules, states in ((50, 300), (90, 400), (95, 400), (100, 421)):
        log.show(schedules, states)

    assert log.progress.growth == "coverage still rises: the last 10 schedules reached 21 new states"


def test_none_in_the_last_tenth_mean_that_it_has_gone_flat(log):
    for schedules, states in ((50, 300), (90, 421), (95, 421), (100, 421)):
        log.show(schedules, states)

    assert log.progress.growth == "coverage has gone flat: the last 10 schedules reached no new state"
