"""Where the time of a client's steps goes: what is measured, and the table of it."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from client.runs import local_trunk, remote_trunk, train
from trunk.server import service_of

from splitlearn.client import profile as client_profile
from splitlearn.client.profile import ClientProfile
from splitlearn.client.report import StepReport
from splitlearn.profile import PHASES
from splitlearn.runtime import real_runtime
from splitlearn.runtime.simulated import ManualClock
from splitlearn.stopwatch import Stopwatch
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire import methods, remote
from splitlearn.wire.direct import DirectTransport

# Seconds that each kind of work takes in these tests, all of them different sums of different numbers.
ENCODING, DECODING, READING, WAITING = 1.0, 10.0, 100.0, 1000.0


@pytest.fixture
def run(config):
    """A short run of two microbatches a step."""
    return config.but(max_length=24, batch_size=2, gradient_accumulation_steps=2)


def report_of(seconds, **breakdown):
    return StepReport(0, 1.0, 0.1, 1.0, 10, 10, skipped=False, seconds=seconds, breakdown=breakdown)


class TestStopwatch:
    def test_a_part_within_another_is_counted_once(self):
        clock = ManualClock()
        watch = Stopwatch(clock)
        clock.sleep(1)
        with watch.part("outer"):
            clock.sleep(2)
            with watch.part("inner"):
                clock.sleep(4)
            clock.sleep(8)
        with watch.part("inner"):
            clock.sleep(16)

        assert watch.parts == {"outer": 10, "inner": 20}
        assert watch.total() == 31

    def test_a_part_that_fails_is_counted_and_left(self):
        clock = ManualClock()
        watch = Stopwatch(clock)
        with suppress(ValueError), watch.part("outer"), watch.part("inner"):
            clock.sleep(1)
            raise ValueError("damaged")
        clock.sleep(2)
        with watch.part("outer"):
            clock.sleep(4)

        assert watch.parts == {"inner": 1, "outer": 4}

    def test_it_starts_again_in_the_middle_of_a_part(self):
        clock = ManualClock()
        watch = Stopwatch(clock)
        with watch.part("before"):
            clock.sleep(1)
            watch.start()
            clock.sleep(2)
        with watch.part("after"):
            clock.sleep(4)

        assert watch.parts == {"after": 4}
        assert watch.total() == 6


class SlowTransport(DirectTransport):
    """A transport whose answers are waited for, in the time of a manual clock."""

    def __init__(self, dispatch, clock):
        super().__init__(dispatch)
        self._clock = clock

    def call(self, method, request, timeout):
        """Return an answer that takes time."""
        answer, clock = super().call(method, request, timeout), self._clock

        class Slow:
            def result(self):
                clock.sleep(WAITING)
                return answer.result()

        return Slow()


def slowed(monkeypatch, module, name, clock, seconds):
    """Let a function of a module take some seconds more of a manual clock."""
    plain = getattr(module, name)

    def slow(*arguments):
        clock.sleep(seconds)
        return plain(*arguments)

    monkeypatch.setattr(module, name, slow)


def test_encoding_waiting_and_decoding_are_told_apart(run, monkeypatch):
    clock = ManualClock()
    slowed(monkeypatch, remote, "encode_tensor", clock, ENCODING)
    slowed(monkeypatch, remote, "decode_tensor", clock, DECODING)
    slowed(monkeypatch, methods, "verify", clock, READING)
    link = remote_trunk(SlowTransport(Dispatch(service_of(run)), clock), run)
    result = train(run.but(max_steps=2), link, runtime=replace(real_runtime(), clock=clock))

    for step in [json.loads(line) for line in result.metrics.read_text().splitlines()]:
        parts = step["breakdown"]
        # Of each of two microbatches: smashed data with their mask, and features' gradients. The trunk, which runs
        # within the sending here, reads a request for each.
        assert parts["encode"] == 2 * (3 * ENCODING + 2 * READING)
        assert parts["decode"] == 2 * (2 * DECODING + 2 * READING)
        assert parts["forward_wait"] == parts["backward_wait"] == 2 * WAITING
        assert parts["bottom"] == parts["top"] == parts["update"] == 0
        assert step["seconds"] == sum(parts.values())


def test_a_trunk_in_the_clients_process_is_waited_for(run, monkeypatch):
    clock = ManualClock()
    link = local_trunk(run)
    slowed(monkeypatch, link._session, "forward", clock, 1.0)
    slowed(monkeypatch, link._session, "backward", clock, 2.0)
    result = train(run.but(max_steps=1), link, runtime=replace(real_runtime(), clock=clock))

    (step,) = [json.loads(line) for line in result.metrics.read_text().splitlines()]
    assert (step["breakdown"]["forward_wait"], step["breakdown"]["backward_wait"], step["seconds"]) == (2, 4, 6)


class TestTable:
    def test_it_has_the_median_and_the_share_of_every_phase(self):
        profile = ClientProfile()
        for wait in (0.002, 0.004, 9.0):
            profile.enter(report_of(wait + 0.002, bottom=0.001, forward_wait=wait))
        heading, *lines = profile.table().splitlines()

        assert heading == "where the time went, in the median of 3 steps:"
        rows = {line[:36].strip(): line[36:].split() for line in lines}
        assert list(rows) == [*PHASES.values(), "Sum of the medians"]
        assert rows["Bottom forward"] == ["1.000", "ms", "17", "%"]
        assert rows["Waiting for features"] == ["4.000", "ms", "67", "%"]
        assert rows["Other"] == ["1.000", "ms", "17", "%"]
        assert rows["Decoding"] == ["0.000", "ms", "0", "%"]
        assert rows["Sum of the medians"] == ["6.000", "ms"]

    def test_it_says_that_there_was_no_step(self):
        assert ClientProfile().table() == "where the time went: no step was timed\n"

    def test_it_forgets_the_oldest_steps_of_a_long_run(self, monkeypatch):
        monkeypatch.setattr(client_profile, "MOST_STEPS", 3)
        profile = ClientProfile()
        for seconds in (5, 5, 5, 5, 1, 1):
            profile.enter(report_of(seconds, bottom=seconds))

        assert "in the median of 3 steps:" in profile.table()
        assert "1000.000 ms" in profile.table()
