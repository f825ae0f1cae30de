"""Every other client is compared with its own reference, and what is wrong names the client."""

from dataclasses import replace

import pytest
from hand_made_facts import facts, step
from judged import FAIL, PASS, VOID, messages

import harness.judging.checks.other_clients as check
from harness.trace.verdict import CheckResult, Finding

OPENED, CLOSING = "trunk.session.opened", "trunk.session.closing"
STEPS = [step(0), step(1)]
RIGHT = CheckResult("equivalence", 10, "10 of 10 tensors", figures={"tensors": 10})
NOTHING = CheckResult("equivalence", 0, "nothing was compared: digests.jsonl is missing")
CUT_SHORT = replace(RIGHT, void_because="the run ended after 1 steps")
WRONG = replace(RIGHT, findings=(Finding("first divergence: norm of the trunk", {"step": 1}),))


@pytest.fixture
def judged(monkeypatch):
    """Return a function that judges a run whose other clients have these results of `equivalence`, by party."""

    def judge(events=(OPENED, CLOSING), **results):
        parties = {party.replace("_", "-"): result for party, result in results.items()}
        others = {party: facts(events, steps=STEPS, reference=STEPS) for party in parties}
        results_of = {id(other): parties[party] for party, other in others.items()}
        monkeypatch.setattr(check, "check_equivalence", lambda made: results_of[id(made)])
        return check.check_other_clients(replace(facts((OPENED, CLOSING)), others=others))

    return judge


def test_all_of_them_are_compared(judged):
    result = judged(client_2=RIGHT, client_3=replace(RIGHT, compared=5))
    assert (PASS, 15) == (result.verdict, result.compared)
    assert {"client-2 tensors": 10, "client-3 tensors": 10} == result.figures


@pytest.mark.parametrize("lacking", [NOTHING, CUT_SHORT])
def test_one_that_was_not_wholly_compared_makes_it_void(judged, lacking):
    result = judged(client_2=RIGHT, client_3=lacking, client_4=RIGHT)
    assert (VOID, f"client-3: {lacking.reading}") == (result.verdict, result.reading)


def test_one_that_differs_fails_and_is_named(judged):
    result = judged(client_2=NOTHING, client_3=WRONG)
    assert FAIL is result.verdict
    assert ["client-3: first divergence: norm of the trunk"] == messages(result)
    assert {"step": 1} == result.findings[0].where


@pytest.mark.parametrize(
    "events", [["client.step.started"] * 3 + [OPENED], [], [CLOSING]], ids=["late", "none", "gone"]
)
def test_clients_that_did_not_meet_show_nothing(judged, events):
    result = judged(events, client_2=RIGHT, client_3=RIGHT)
    assert (VOID, "the clients did not train at the same time") == (result.verdict, result.reading)


def test_one_whose_files_are_missing_is_void_by_itself():
    other = facts([OPENED, CLOSING], steps=STEPS, reference=STEPS)
    result = check.check_other_clients(replace(facts((OPENED, CLOSING)), others={"client-2": other, "client-3": other}))
    assert VOID is result.verdict
    assert "client-3: " in result.reading
