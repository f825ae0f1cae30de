"""The check of a lying trunk, on runs made by hand."""

import pytest
from hand_made_facts import facts
from judged import FAIL, PASS, VOID, messages

from harness.fuzz.lies import LIES
from harness.fuzz.victim import OPERATIONS
from harness.judging.checks.lies import check_lies
from harness.plan.adversaries import LyingTrunk
from harness.trace.place import At

TRUNK = LyingTrunk(At("client.step.started", 1), 500, seed=1)
WHOLE = {
    "sent": 500,
    "distinct": 400,
    "kinds": dict.fromkeys(LIES, 20),
    "calls": dict.fromkeys(OPERATIONS, 30),
    "answers": {"retried after TRANSPORT": 300, "retried after CORRUPT": 40, "refused BUG": 60, "ignored": 100},
    "findings": [],
    "seconds": 2.0,
}


def checked(**changes):
    return check_lies(facts([("lies.finished", None, WHOLE | changes)], adversaries=(TRUNK,)))


def test_lies_that_came_to_nothing_pass_and_are_counted():
    result = checked()
    counted = {name: result.figures[name] for name in ("lies", "lies / s", "retried", "refused", "ignored")}
    assert (PASS, 500) == (result.verdict, result.compared)
    assert {"lies": 500, "lies / s": 250, "retried": 340, "refused": 60, "ignored": 100} == counted


def test_a_finding_fails():
    result = checked(findings=["was believed"])
    assert (FAIL, ["was believed"]) == (result.verdict, messages(result))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sent": 30}, "only 30 of 500 lies were told"),
        ({"kinds": {name: 1 for name in LIES if name != "resets"}}, "none were resets"),
        ({"calls": {name: 1 for name in OPERATIONS if name not in ("beat", "leave")}}, "none were beat, leave"),
    ],
)
def test_what_was_left_out_is_void(changes, words):
    result = checked(**changes)
    assert (VOID, words) == (result.verdict, result.reading)


def test_without_an_end_nothing_is_shown():
    assert VOID is check_lies(facts(adversaries=(TRUNK,))).verdict
