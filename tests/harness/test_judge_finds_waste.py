"""The judge can fail: real processes that reach the right bits by more work, bytes, calls or time than it takes."""

import pytest

from harness.engine.run import run_scenario
from harness.plan.faults import Partition
from harness.plan.links import LinkProfile
from harness.plan.scenario import Scenario
from harness.trace.place import At
from harness.trace.verdict import Verdict

FAR = LinkProfile("far", 300, 0, 0, 0, "by hand")
# Long enough for many calls that do not pause, also on a busy machine.
PARTITION = Partition(At("client.forward.sent", 1, 1), 2.0)


@pytest.fixture
def scenario(smallest_config):
    def make(name, checks, topology="direct", **more):
        checks = ("equivalence", checks)
        return Scenario(name, "A wasteful system", smallest_config, topology, checks=checks, timeout=120.0, **more)

    return make


def judged(outcome, name):
    """Return what one check found; the bits must be right."""
    found = {check.name: check for check in outcome.checks}
    assert {Verdict.PASS} == {check.verdict for check in outcome.checks if check.name != name}
    return found[name].verdict, " ".join(finding.message for finding in found[name].findings)


@pytest.mark.parametrize(
    ("mutant", "finding"),
    [
        ("compute-every-graph-again", "trunk.graph.recomputed was passed 6 times; 0 is right"),
        ("compute-every-forward-pass-twice", "the trunk computed 12 forward passes; 6 is right"),
        ("send-every-forward-pass-twice", "trunk.compute.received was passed 12 times; 6 is right"),
        ("save-every-step", "trunk.checkpoint.saved was passed 3 times; 1 is right"),
        ("commit-by-itself-too", "trunk.sync.received was passed 5 times; 2 is right"),
    ],
)
def test_work_that_need_not_be_done_is_named(planted_testbed, scenario, mutant, finding):
    verdict, findings = judged(run_scenario(scenario(mutant, "work"), planted_testbed(mutant)), "work")
    assert Verdict.FAIL is verdict
    assert finding in findings


def test_bytes_that_need_not_be_sent_are_counted(planted_testbed, scenario):
    verdict, findings = judged(
        run_scenario(scenario("ballast", "traffic", "proxy"), planted_testbed("fill-every-message-up")), "traffic"
    )
    assert Verdict.FAIL is verdict
    assert "bytes passed the proxy" in findings


@pytest.mark.parametrize(("mutant", "expected"), [("", Verdict.PASS), ("ask-again-without-a-pause", Verdict.FAIL)])
def test_calls_that_are_repeated_without_a_pause_are_over_the_budget(planted_testbed, scenario, mutant, expected):
    made = scenario("hasty", "work", "proxy", faults=(PARTITION,))
    verdict, findings = judged(run_scenario(made, planted_testbed(mutant)), "work")
    assert expected is verdict, findings
    assert ("calls failed; the faults account for" in findings) == (expected is Verdict.FAIL)


@pytest.mark.parametrize(
    ("mutant", "expected"),
    [
        ("", Verdict.PASS),
        ("sleep-in-every-step", Verdict.FAIL),
        ("send-every-forward-pass-twice", Verdict.FAIL),
    ],
)
def test_a_step_that_takes_longer_than_its_parts_is_seen_on_a_slow_link(planted_testbed, scenario, mutant, expected):
    made = scenario("slow", "step_time", "proxy", link=FAR, timed=True)
    verdict, findings = judged(run_scenario(made, planted_testbed(mutant)), "step_time")
    assert expected is verdict, findings


def test_memory_that_is_never_given_back_is_seen_in_a_short_run_too(planted_testbed, scenario):
    hoarder = planted_testbed("hoard-what-every-step-has-computed")
    verdict, findings = judged(run_scenario(scenario("hoard", "peak_memory"), hoarder), "peak_memory")
    assert Verdict.FAIL is verdict
    assert "the client took" in findings
