"""How the checks of a run make its verdict, and what becomes of a check that is itself broken."""

import pytest
from hand_made_facts import facts

from harness.judging.checks import CHECKS
from harness.judging.judge import apply, checks_of, verdict_of
from harness.plan.adversaries import HostilePeers, LyingTrunk
from harness.plan.faults import DropConnection
from harness.plan.scenario import Scenario
from harness.trace.place import At
from harness.trace.verdict import CheckResult, Finding, Verdict
from splitlearn.config import TrainingConfig

PASS, FAIL, VOID, NOT_APPLICABLE = Verdict.PASS, Verdict.FAIL, Verdict.VOID, Verdict.NOT_APPLICABLE


def result(name, verdict):
    found = {
        PASS: {"compared": 1},
        FAIL: {"compared": 1, "findings": (Finding("bad"),)},
        VOID: {"compared": 0},
        NOT_APPLICABLE: {"compared": 0, "applies": False},
    }[verdict]
    made = CheckResult(name, summary="by hand", **found)
    assert verdict is made.verdict
    return made


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"completion": PASS, "equivalence": PASS}, PASS),
        ({"completion": PASS, "equivalence": PASS, "faults": NOT_APPLICABLE, "liveness": NOT_APPLICABLE}, PASS),
        ({"completion": PASS, "faults": PASS, "liveness": PASS}, PASS),
        ({"completion": PASS, "liveness": NOT_APPLICABLE, "faults": NOT_APPLICABLE}, VOID),
        ({"completion": PASS, "equivalence": VOID, "liveness": PASS}, VOID),
        ({"completion": FAIL, "liveness": NOT_APPLICABLE}, FAIL),
        ({"completion": PASS, "equivalence": VOID, "faults": FAIL}, FAIL),
        ({"completion": PASS, "equivalence": PASS, "faults": VOID}, VOID),
    ],
)
def test_the_verdict_of_a_run(found, expected):
    assert expected is verdict_of([result(name, verdict) for name, verdict in found.items()])


@pytest.mark.parametrize("premises", [("completion",), ("completion", "faults"), ("completion", "expectations")])
def test_that_a_run_went_as_planned_shows_nothing_of_what_it_computed(premises):
    assert VOID is verdict_of([result(name, PASS) for name in premises])


def test_a_check_that_raises_is_void_with_its_traceback(monkeypatch):
    def broken(_facts):
        return {}["no such figure"]

    monkeypatch.setitem(CHECKS, "memory", broken)
    found = apply("memory", facts())
    assert (VOID, "the check itself is broken: KeyError: 'no such figure'") == (found.verdict, found.reading)
    assert 'return {}["no such figure"]' in found.traceback


def bits_alone(**stated):
    return checks_of(Scenario("mine", "Asked for its bits alone", TrainingConfig(), checks=("equivalence",), **stated))


def test_a_run_is_judged_by_what_is_listed_and_no_more_where_nothing_is_stated():
    assert ("completion", "logs", "equivalence") == bits_alone()


HERE = At("client.forward.sent")


@pytest.mark.parametrize(
    ("stated", "checks"),
    [
        ({"faults": (DropConnection(HERE),)}, {"faults"}),
        ({"adversaries": (HostilePeers(HERE, 1, 0),)}, {"adversaries", "hostility"}),
        ({"adversaries": (LyingTrunk(HERE, 1, 0),)}, {"adversaries", "lies"}),
        ({"expects": ("client.step.skipped",)}, {"expectations"}),
        ({"loss_below": 1.0}, {"convergence"}),
        ({"other_clients": (TrainingConfig(),)}, {"other_clients"}),
    ],
)
def test_what_a_scenario_states_is_judged_though_its_list_of_checks_leaves_it_out(stated, checks):
    assert checks == {*bits_alone(**stated)} - {*bits_alone()}
