"""Faults must be noticed within a call's deadline and a second: on runs made by hand."""

from dataclasses import replace
from math import inf

import pytest
from hand_made_facts import event, facts

from harness.judging.checks.detection import check_detection
from harness.judging.detection import notice_within
from harness.plan.faults import (
    CutMessage,
    DropConnection,
    Kill,
    MessageFault,
    NetworkFault,
    Partition,
    Pause,
    Restart,
)
from harness.trace.place import At
from harness.trace.verdict import Verdict

HERE = At("client.forward.sent", 1, 0)
HALF_OPEN = NetworkFault(HERE, "half-open", "upstream")
DEADLINE = 3.0
OPENING, HELD = (0.0, "client.session.opening", {}), (1.0, "client.forward.sent", {})
NUMBER_OF_HELD = 1
FAILED = ("client.call.failed", {"method": "Compute", "code": "DEADLINE_EXCEEDED"})


def injected(t, fault, held=NUMBER_OF_HELD):
    return (t, "fault.injected", {"fault": fault.name, "held": held})


def gone(t, point, party="client"):
    return (t, point, {"party": party})


def judged(*passed, faults=(HALF_OPEN,), deadline=DEADLINE):
    """Judge a run of events given by time, point and fields."""
    made = facts(faults=faults)
    events = [event(number, t, point, **fields) for number, (t, point, fields) in enumerate(passed)]
    scenario = replace(made.scenario, config=made.scenario.config.but(rpc_timeout=deadline))
    return check_detection(replace(made, events=events, scenario=scenario))


@pytest.mark.parametrize(
    "mark",
    [FAILED, ("client.connection.changed", {"state": "TRANSIENT_FAILURE"}), ("client.session.lost", {})],
    ids=["call", "connection", "session"],
)
def test_what_is_noticed_in_time_passes_with_its_time(mark):
    result = judged(OPENING, HELD, injected(1.5, HALF_OPEN), (4.5, *mark))
    assert (Verdict.PASS, 1, 3.0) == (result.verdict, result.compared, result.figures["slowest detection s"])


@pytest.mark.parametrize(("seconds", "verdict"), [(3.9, Verdict.PASS), (4.1, Verdict.FAIL), (71.0, Verdict.FAIL)])
def test_the_bound_is_the_deadline_and_a_second(seconds, verdict):
    result = judged(OPENING, HELD, injected(1.0, HALF_OPEN), (1.0 + seconds, *FAILED))
    assert verdict is result.verdict
    assert seconds == result.figures["slowest detection s"]


def test_what_was_noticed_too_late_is_named_with_both_times():
    result = judged(OPENING, HELD, injected(1.0, HALF_OPEN), (72.0, *FAILED))
    assert f"{HALF_OPEN.name} was noticed after 71.00 s, not within 4 s" == result.reading


def test_what_was_never_noticed_fails():
    result = judged(OPENING, HELD, injected(1.0, HALF_OPEN), (9.0, "client.connection.changed", {"state": "READY"}))
    assert f"{HALF_OPEN.name} was never noticed, not within 4 s" == result.reading


def test_one_fault_of_two_that_was_noticed_too_late_fails():
    drop = DropConnection(HERE)
    passed = (OPENING, HELD, injected(1.0, HALF_OPEN), (2.0, *FAILED), injected(5.0, drop, held=4), (9.5, *FAILED))
    result = judged(*passed, faults=(HALF_OPEN, drop))
    assert (Verdict.FAIL, 2, 4.5) == (result.verdict, result.compared, result.figures["slowest detection s"])
    assert [f"{drop.name} was noticed after 4.50 s, not within 4 s"] == [f.message for f in result.findings]


def test_a_failure_before_the_fault_is_not_its():
    assert Verdict.FAIL is judged(OPENING, (0.5, *FAILED), HELD, injected(1.0, HALF_OPEN, held=2)).verdict


def test_who_notices_before_the_injection_is_noted_took_no_time():
    drop = DropConnection(HERE)
    result = judged(OPENING, HELD, (1.1, *FAILED), injected(1.2, drop), faults=(drop,))
    assert (Verdict.PASS, 0.0) == (result.verdict, result.figures["slowest detection s"])


@pytest.mark.parametrize("point", ["process.killed", "process.stopped", "process.paused"])
def test_a_client_that_is_gone_before_the_time_is_over_need_not_notice(point):
    result = judged(OPENING, HELD, injected(1.0, HALF_OPEN), gone(3.0, point), (30.0, *FAILED))
    assert Verdict.NOT_APPLICABLE is result.verdict


def test_a_client_that_is_gone_when_the_time_is_over_has_failed_to_notice():
    assert Verdict.FAIL is judged(OPENING, HELD, injected(1.0, HALF_OPEN), gone(6.0, "process.killed")).verdict


def test_a_trunk_that_is_gone_excuses_nobody():
    passed = (OPENING, HELD, injected(1.0, HALF_OPEN), gone(2.0, "process.killed", "trunk"), (9.0, *FAILED))
    assert Verdict.FAIL is judged(*passed).verdict


def test_a_client_whose_work_is_done_need_not_notice():
    result = judged(OPENING, HELD, injected(1.0, HALF_OPEN), (1.5, "client.training.finished", {}))
    assert Verdict.NOT_APPLICABLE is result.verdict


@pytest.mark.parametrize("before", [(), (OPENING, gone(0.5, "process.killed"))], ids=["not started", "killed"])
def test_there_must_be_a_client_to_notice(before):
    kill = Kill(At("trunk.server.ready"), ("trunk",))
    held = (1.0, "trunk.server.ready", {})
    passed = (*before, held, injected(1.0, kill, held=len(before)), OPENING, (9.0, *FAILED))
    assert Verdict.NOT_APPLICABLE is judged(*passed, faults=(kill,)).verdict


def test_without_faults_to_notice_it_does_not_apply():
    assert Verdict.NOT_APPLICABLE is judged(OPENING, HELD, faults=()).verdict
    assert Verdict.NOT_APPLICABLE is judged(OPENING, HELD, faults=(Kill(HERE, ("client",)),)).verdict


def test_faults_of_which_none_fired_are_void():
    assert Verdict.VOID is judged(OPENING, HELD).verdict


@pytest.mark.parametrize(
    ("fault", "deadline", "expected"),
    [
        (DropConnection(HERE), 3.0, 4.0),
        (Partition(HERE, 0.1), 3.0, 4.0),
        (CutMessage(HERE, "upstream", 20), 3.0, 4.0),
        (Kill(HERE, ("trunk",)), 3.0, 4.0),
        (Kill(HERE, ("client",)), 3.0, inf),
        (Kill(HERE, ("client", "trunk")), 3.0, inf),
        (Restart(HERE, "trunk"), 3.0, inf),
        (Restart(HERE, "client"), 3.0, inf),
        (Pause(HERE, "trunk", 5.0), 3.0, 4.0),
        (Pause(HERE, "trunk", 4.0), 3.0, inf),
        (Pause(HERE, "client", 5.0), 3.0, inf),
        (HALF_OPEN, 100.0, 73.0),
        (Pause(HERE, "trunk", 90.0), 100.0, 73.0),
        (NetworkFault(HERE, "delay-spike", "upstream"), 60.0, 61.0),
        (MessageFault(HERE, "lose-request", "Compute"), 60.0, 61.0),
        (MessageFault(HERE, "corrupt-reply", "Compute"), 3.0, 4.0),
        (MessageFault(HERE, "duplicate", "Compute"), 3.0, inf),
        (MessageFault(HERE, "late", "Compute"), 3.0, inf),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_pings_find_a_dead_connection_and_deadlines_a_lost_message(fault, deadline, expected):
    assert expected == (notice_within(fault, deadline) or inf)
