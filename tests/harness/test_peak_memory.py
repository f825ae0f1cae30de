"""The check of peak memory, on runs made by hand."""

from dataclasses import replace

import pytest
from hand_made_facts import facts, step

from harness.judging.checks.peak_memory import ALLOWANCE_MIB, MIB, check_peak_memory
from harness.plan.scenario import CHECKS
from harness.trace.memory_sample import MemorySample
from harness.trace.verdict import Verdict
from splitlearn.config import TrainingConfig

REFERENCE = 500 * MIB
GRAPH = 40 * MIB


def run(client=REFERENCE, trunk=REFERENCE, reference=REFERENCE, microbatches=1, **settings):
    made = facts(
        reference=[
            {
                **step(number, microbatches=microbatches),
                "peak_bytes": reference - MIB * (1 - number),
                "graph_bytes": GRAPH - MIB * (1 - number),
            }
            for number in (0, 1)
        ]
    )
    made = replace(made, scenario=made.scenario.but(**settings))
    peaks = {"client": client, "trunk": trunk}
    samples = [MemorySample(party, 1, number, 0, peak) for party, peak in peaks.items() if peak for number in (0, 1)]
    return replace(made, memory=samples)


def test_parties_that_take_what_the_single_process_takes_pass():
    result = check_peak_memory(run(trunk=REFERENCE + ALLOWANCE_MIB * MIB))
    assert (Verdict.PASS, 2) == (result.verdict, result.compared)
    assert {"client peak MiB": 500, "trunk peak MiB": 564, "single process peak MiB": 500} == result.figures


@pytest.mark.parametrize("party", ["client", "trunk"])
def test_a_party_that_takes_much_more_fails(party):
    result = check_peak_memory(run(**{party: REFERENCE + (ALLOWANCE_MIB + 1) * MIB}))
    assert Verdict.FAIL is result.verdict
    assert [f"the {party} took 565 MiB, the single process 500"] == [finding.message for finding in result.findings]


def of_clients(made, count):
    return replace(made, scenario=replace(made.scenario, other_clients=(count - 1) * (TrainingConfig(),)))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_client_has_an_allowance_of_its_own_at_the_trunk(count):
    enough = run(trunk=REFERENCE + count * ALLOWANCE_MIB * MIB)
    too_much = run(trunk=REFERENCE + (count * ALLOWANCE_MIB + 1) * MIB)
    verdicts = [check_peak_memory(of_clients(made, count)).verdict for made in (enough, too_much)]
    assert [Verdict.PASS, Verdict.FAIL] == verdicts


def test_a_client_needs_no_memory_for_others():
    much = run(client=REFERENCE + (ALLOWANCE_MIB + 1) * MIB)
    assert Verdict.FAIL is check_peak_memory(of_clients(much, 3)).verdict


@pytest.mark.parametrize("party", ["client", "trunk"])
@pytest.mark.parametrize(("more", "expected"), [(0, Verdict.PASS), (1, Verdict.FAIL)])
def test_microbatches_that_wait_for_each_other_may_keep_their_graphs(party, more, expected):
    waiting = REFERENCE + ALLOWANCE_MIB * MIB + 5 * GRAPH + more
    assert expected is check_peak_memory(run(**{party: waiting}, microbatches=6)).verdict


@pytest.mark.parametrize(("more", "expected"), [(0, Verdict.PASS), (1, Verdict.FAIL)])
def test_a_trunk_keeps_no_more_of_them_than_it_is_allowed_to(more, expected):
    waiting = REFERENCE + (ALLOWANCE_MIB + 100) * MIB + more
    short_of_memory = run(trunk=waiting, microbatches=6, max_pending_bytes=100 * MIB)
    assert expected is check_peak_memory(short_of_memory).verdict


@pytest.mark.parametrize("unmeasured", [run(client=0, trunk=0), run(reference=MIB)])
def test_what_was_not_measured_shows_nothing(unmeasured):
    unmeasured = replace(unmeasured, reference_steps=[] if unmeasured.memory else unmeasured.reference_steps)
    assert Verdict.VOID is check_peak_memory(unmeasured).verdict


def test_a_trunk_that_strangers_send_to_is_for_another_check():
    attacked = run()
    attacked = replace(attacked, scenario=replace(attacked.scenario, checks=("hostility",)))
    assert Verdict.NOT_APPLICABLE is check_peak_memory(attacked).verdict


def test_it_is_asked_of_every_run_by_itself():
    assert "peak_memory" in CHECKS
