"""Adversaries are judged apart from faults: each began, left a mark and came to its end, or the run shows nothing."""

import pytest
from hand_made_facts import facts
from judged import NOT_APPLICABLE, PASS, VOID

from harness.judging.checks.adversaries import check_adversaries
from harness.judging.checks.faults import check_faults
from harness.judging.checks.liveness import check_liveness
from harness.plan.adversaries import HostilePeers, KeepPace
from harness.trace.place import At

PEERS, PACE = HostilePeers(At("client.step.started", 3), 300, 1), KeepPace(At("client.step.started", 4), 200)
NAME = PEERS.name


def told(point, adversary=PEERS, **more):
    return (f"adversary.{point}", None, {"adversary": adversary.name, **more})


MARK = ("fuzz.progress", 1, {"answered": 100, "resident": 1})
WHOLE = (told("began"), MARK, told("ended"))


def test_an_adversary_that_finished_passes():
    result = check_adversaries(facts(WHOLE, adversaries=(PEERS,)))
    assert (PASS, 1, "1 of 1 adversaries came to their end") == (result.verdict, result.compared, result.summary)


def test_the_pace_is_kept_by_one_of_its_own():
    both = (*WHOLE, told("began", PACE), told("ended", PACE))
    assert PASS is check_adversaries(facts(both, adversaries=(PEERS, PACE))).verdict
    result = check_adversaries(facts(WHOLE, adversaries=(PEERS, PACE)))
    assert (VOID, f"{PACE.name} did not begin") == (result.verdict, result.reading)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((), f"{NAME} did not begin"),
        ((told("failed", reason="no trunk"),), f"{NAME} did not begin: no trunk"),
        ((told("began"), MARK), f"{NAME} did not finish"),
        ((told("began"), MARK, told("gave_up", reason="it died")), f"{NAME} did not finish: it died"),
        ((told("began"), told("ended")), f"{NAME} left no mark"),
    ],
)
def test_an_adversary_that_did_not_finish_is_void(events, words):
    result = check_adversaries(facts(events, adversaries=(PEERS,)))
    assert (VOID, words) == (result.verdict, result.reading)


def test_without_any_it_does_not_apply():
    assert NOT_APPLICABLE is check_adversaries(facts()).verdict


def test_they_are_no_faults():
    assert NOT_APPLICABLE is check_faults(facts(WHOLE, adversaries=(PEERS,))).verdict


def test_the_client_goes_on_after_their_end():
    assert PASS is check_liveness(facts((*WHOLE, ("client.forward.received", 5)), adversaries=(PEERS,))).verdict
    stuck = check_liveness(facts((told("began"), MARK), adversaries=(PEERS,)))
    assert [f"{NAME} did not end"] == [finding.message for finding in stuck.findings]


def test_what_is_said_of_progress_is_said_of_adversaries():
    on = check_liveness(facts((*WHOLE, ("client.forward.received", 5)), adversaries=(PEERS,)))
    assert "of the end of each of 1 adversaries" in on.reading
    silent = check_liveness(facts(WHOLE, adversaries=(PEERS,)))
    assert ["no progress came after an adversary had ended, not within 20 s"] == [
        each.message for each in silent.findings
    ]
    assert check_liveness(facts(adversaries=(PEERS,))).reading.startswith("none of the adversaries began")
