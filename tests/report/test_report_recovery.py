"""How soon the client made progress after a fault: the times, and that the page shows a recovery step by step."""

import json
import math
import re
from itertools import pairwise

import pytest
from page_outline import text_of

from harness.judging.recovery import seconds_to_progress
from harness.recording.reader import read_run
from harness.report.adversaries import adversary_spans
from harness.report.chronicle import chronicle
from harness.report.faults import fault_spans
from harness.report.lives import lives, steps_done
from harness.report.page import render_index, render_run
from harness.report.recoveries import Recoveries, recoveries

POINT = "client.commit.applied"
FAULT = f"kill-client-and-trunk@{POINT}.3"


def _event(t, point, step=None, **more):
    source = point.split(".")[0]
    return {
        "t": t,
        "source": source if source in ("client", "trunk") else "harness",
        "point": point,
        "step": step,
    } | more


# Both are killed in step 3 and go back to step 2.
KILLED = [
    _event(0.1, "trunk.server.ready"),
    _event(0.5, "client.session.opened", 0),
    *(_event(1.0 + step, "client.step.started", step) for step in range(4)),
    _event(4.5, "process.killed", party="client", life=1),
    _event(4.6, "process.killed", party="trunk", life=1),
    _event(4.6, "fault.injected", 3, fault=FAULT),
    _event(5.0, "process.started", party="trunk", life=2),
    _event(5.1, "process.started", party="client", life=2),
    _event(5.4, "trunk.server.ready"),
    _event(5.5, "fault.healed", fault=FAULT),
    _event(6.0, "client.session.opened", 2),
    *(_event(4.5 + step, "client.step.started", step) for step in range(2, 6)),
    _event(10.5, "client.session.closing", 6),
    _event(10.6, "client.training.finished", 6),
]


@pytest.fixture
def killed(write_faulted):
    return read_run(write_faulted("killed", ("kill-client-and-trunk", POINT, 3), trace=KILLED))


def test_time_to_progress_is_that_to_the_next_one_not_earlier_than_the_healing():
    passed = [(3.0, "client.backward.received"), (1.0, "client.forward.received"), (2.0, "trunk.compute.done")]

    assert seconds_to_progress(passed, [1.0, 1.5, 3.5]) == [0.0, 1.5, math.inf]


def test_a_fault_that_heals_when_the_work_is_done_needs_no_progress():
    passed = [(1.0, "client.forward.received"), (2.0, "client.training.finished")]

    assert seconds_to_progress(passed, [0.5, 2.0, 5.0]) == [0.5, None, None]


def test_a_quantile_is_a_time_that_occurred():
    times = Recoveries("all", tuple(float(n) for n in range(1, 22)))

    assert [times.quantile(share) for share in (0.5, 0.95, 1)] == [11.0, 20.0, 21.0]
    assert Recoveries("all", (7.0,)).quantile(0.5) == 7.0


def test_times_are_gathered_by_what_broke(write_faulted):
    runs = [
        read_run(write_faulted("a", ("kill-trunk", POINT, 1), ("drop", POINT, 2))),
        read_run(write_faulted("b", ("cut-upstream-9", POINT, 1), silent=[("kill-client", POINT, 2)])),
    ]

    assert recoveries(runs) == [Recoveries("trunk killed", (0.25,)), Recoveries("connection", (0.25, 0.25))]

    text = text_of(render_index(runs))
    assert "3 faults healed. From there to the client's next progress: 250 ms at the median" in text
    assert "connection2250 ms250 ms250 ms" in text.replace(" connection", "connection")


def test_no_progress_is_reported_and_drawn_nowhere(write_faulted):
    trace = [
        _event(1.0, "fault.injected", 1, fault=f"drop@{POINT}.1"),
        _event(1.5, "fault.healed", fault=f"drop@{POINT}.1"),
    ]
    run = read_run(write_faulted("stuck", ("drop", POINT, 1), verdict="FAIL", trace=trace))

    assert [span.recovered for span in fault_spans(run)] == [math.inf]
    assert "After 2 faults none came." in text_of(render_index([run, run]))
    assert re.search(r'<td class="number FAIL"[^>]*>never</td>', render_run(run))


def test_a_report_without_healed_faults_has_no_times(write_faulted):
    run = read_run(write_faulted("calm"))

    assert recoveries([run]) == []
    assert 'id="recovery"' not in render_index([run, run])


def test_a_fault_has_its_recovery_in_the_table_of_faults(killed):
    (span,) = fault_spans(killed)

    assert span.recovered == pytest.approx(0.5)
    assert "4.6 s 900 ms 500 ms" in text_of(render_run(killed), " ")


def test_a_recovery_can_be_followed(killed):
    assert [(told.t, told.who, told.what, told.fault) for told in chronicle(killed)] == [
        (4.5, "client", "killed, life 1", None),
        (4.6, "harness", f"{FAULT} injected", 1),
        (4.6, "trunk", "killed, life 1", None),
        (5.0, "trunk", "started again, life 2", None),
        (5.1, "client", "started again, life 2", None),
        (5.5, "harness", "healed", 1),
        (6.0, "client", "progress again, 500 ms after the healing", 1),
        (6.0, "client", "has opened the session again and repeats steps 2 to 3", None),
    ]
    assert "has opened the session again and repeats steps 2 to 3" in render_run(killed)


def test_what_the_relay_and_the_director_say_is_reported(write_faulted):
    trace = [
        _event(1.0, "relay.request.lost", method="Compute"),
        _event(2.0, "fault.failed", fault="drop", reason="there is no proxy"),
        _event(3.0, "process.paused", party="trunk"),
        _event(4.0, "process.continued", party="trunk"),
        _event(5.0, "client.session.lost", 7),
    ]

    assert [(told.who, told.what) for told in chronicle(read_run(write_faulted("told", trace=trace)))] == [
        ("harness", "Compute request lost"),
        ("harness", "drop not injected: there is no proxy"),
        ("trunk", "paused"),
        ("trunk", "continued"),
        ("client", "hears in step 7 that the trunk has lost the session"),
    ]


def test_a_process_has_as_many_lives_as_it_was_started(killed):
    assert [(life.party, life.began, life.until, life.end is not None) for life in lives(killed)] == [
        ("client", 0.5, 4.5, True),
        ("client", 5.1, 10.6, False),
        ("trunk", 0.1, 4.6, True),
        ("trunk", 5.0, 5.4, False),
    ]


def test_steps_that_are_done_again_end_where_the_process_did_and_are_told_from_the_first(killed):
    assert [(step.step, step.began, step.until, step.again) for step in steps_done(killed)] == [
        (0, 1.0, 2.0, False),
        (1, 2.0, 3.0, False),
        (2, 3.0, 4.0, False),
        (3, 4.0, 4.5, False),
        (2, 6.5, 7.5, True),
        (3, 7.5, 8.5, True),
        (4, 8.5, 9.5, False),
        (5, 9.5, 10.5, False),
    ]
    assert "2 of 8 steps were repeated" in render_run(killed)


def test_each_party_has_a_lane_and_the_steps_are_the_first_clients(write_faulted):
    second = [_event(1.5 + step, "client.step.started", step, party="client-2") for step in range(9)]
    trace = sorted([*KILLED, *second], key=lambda event: event["t"])
    run = read_run(write_faulted("two", ("kill-client-and-trunk", POINT, 3), trace=trace))

    assert len(steps_done(run)) == 8
    assert [(life.began, life.until) for life in lives(run) if life.party == "client-2"] == [(1.5, 9.5)]
    page = render_run(run)
    assert "client-2" in page[page.index("Timeline of") :].partition("</svg>")[0]


def test_fifty_faults_keep_their_numbers_on_the_timeline(write_faulted):
    faults = [("drop", POINT, step) for step in range(1, 51)]
    page = render_run(read_run(write_faulted("many", *faults)))
    drawing = page[page.index("Timeline of") :].partition("</svg>")[0]

    places = [float(x) for x in re.findall(r'var\(--paper\)" x="([0-9.]+)"', drawing)]
    assert 15 < len(places) <= 50
    assert max(places) < 760


def test_numbers_of_faults_in_neighbouring_steps_do_not_cover_each_other_on_the_curves_of_the_loss(write_faulted):
    page = render_run(read_run(write_faulted("many", *(("drop", POINT, step) for step in range(1, 41)))))
    drawing = page[page.rindex("Loss by step") :].partition("</svg>")[0]

    places = [float(x) for x in re.findall(r'var\(--fault\)" x="([0-9.]+)"', drawing)]
    assert len(places) > 10
    assert min(right - left for left, right in pairwise(places)) > 15


class TestAdversaries:
    @pytest.fixture
    def attacked(self, write_run, tmp_path):
        """A run with one adversary that came to its end, one that gave up and one that did not begin."""
        folder = write_run(tmp_path / "attacked")
        scenario = json.loads((folder / "scenario.json").read_text())
        at = {"point": "client.step.started", "step": 3}
        names = ("peers", "trunk", "silent")
        scenario |= {"faults": [], "adversaries": [{"name": n, "at": at, "detail": f"{n} attack"} for n in names]}
        (folder / "scenario.json").write_text(json.dumps(scenario))
        told = [("began", "peers", 1.0, {}), ("ended", "peers", 3.5, {}), ("began", "trunk", 2.0, {})]
        told += [("gave_up", "trunk", 4.0, {"reason": "it died"})]
        lines = [
            {"t": t, "source": "harness", "point": f"adversary.{point}", "adversary": name, **more}
            for point, name, t, more in told
        ]
        (folder / "trace.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return read_run(folder)

    def test_each_is_matched_with_what_the_trace_says(self, attacked):
        spans = [(span.name, span.began, span.ended, span.problem) for span in adversary_spans(attacked)]
        assert [("peers", 1.0, 3.5, ""), ("trunk", 2.0, None, "it died"), ("silent", None, None, "")] == spans
        assert () == fault_spans(attacked)

    def test_the_report_shows_them_apart_from_faults(self, attacked):
        page = render_run(attacked)
        assert '<table class="adversaries">' in page
        assert "No fault was planned" in page
        for words in ("peers attack", "2.5 s", "did not end", "it died", "did not begin"):
            assert words in page

    def test_they_are_in_the_story_of_the_run(self, attacked):
        told = [(happening.t, happening.what) for happening in chronicle(attacked)]
        assert [(1.0, "peers begins"), (2.0, "trunk begins"), (3.5, "peers is at its end")] == told
