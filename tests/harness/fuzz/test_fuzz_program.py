"""The program that sends malformed requests: all are sent, counted and reported, and memory is watched."""

import random
import threading
from dataclasses import replace

import pytest
from malformed import ELSEWHERE, MIB, OWN_REASONS

from harness.errors import HarnessError
from harness.fuzz.program import FuzzProgram
from harness.fuzz.report import FuzzReport
from harness.fuzz.sending import fuzz
from harness.judging.memory_growth import growth_with_requests


def test_a_trunk_refuses_all_of_it(trained):
    answered = []
    report = fuzz(trained, 2, 2000, threading.Event(), answered.append)

    assert report.findings == ()
    assert (2000, 2000) == (report.sent, sum(report.kinds.values()))
    assert sum(report.answers.values()) == 2000
    assert set(OWN_REASONS) < report.kinds.keys()
    assert {reason.value for reason in OWN_REASONS.values()} <= {name.split()[-1] for name in report.answers}
    assert report.answers["closed"] > 10
    assert 800 < report.distinct < 2000
    assert answered[:3] == [0, 100, 200]


def test_it_ends_early_when_asked_to(trained):
    stop = threading.Event()
    report = fuzz(trained, 2, 100_000, stop, lambda answered: answered >= 300 and stop.set())

    assert 300 <= report.sent < 400


def test_the_program_tells_its_progress_and_then_its_report(trained):
    progress = []
    with FuzzProgram(trained, seed=2, count=300) as program:
        report = program.report(progress.append)

    assert progress == [0, 100, 200, 300]
    assert (300, ()) == (report.sent, report.findings)


def test_a_program_that_fails_is_reported_with_its_last_words():
    with FuzzProgram(replace(ELSEWHERE, address="nowhere"), seed=2, count=3) as program:
        told = []
        with pytest.raises(HarnessError, match=r"status 1 without a report: (?s:.*)ValueError"):
            program.report(told.append)
        assert told == [0]


def test_a_report_is_the_same_after_it_was_written_and_read():
    report = FuzzReport(3, 2, {"NaN or infinity": 3}, {"Compute": 3}, {"INTERNAL BUG": 3}, ("one", "two"), 0.5)

    assert report == FuzzReport.from_json(report.to_json())


def test_growth_is_seen_through_noise_and_not_where_there_is_none():
    answered = range(0, 30_000, 100)
    noise = random.Random(0)  # noqa: S311 - repeatable, not secret
    flat = [500 * MIB + noise.randrange(8 * MIB) for _ in answered]
    leaking = [size + 20_000 * requests for size, requests in zip(flat, answered, strict=True)]
    warming = [size + 50 * MIB * min(1, requests / 5000) for size, requests in zip(flat, answered, strict=True)]

    assert abs(growth_with_requests(answered, flat)) < 200_000
    assert abs(growth_with_requests(answered, warming)) < 200_000
    assert 19_000_000 < growth_with_requests(answered, leaking) < 21_000_000
