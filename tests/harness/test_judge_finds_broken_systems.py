"""The judge can fail: real processes with one rule broken are detected, and the first divergence names the place."""

import json

import pytest

from harness.engine.ladder import locate
from harness.engine.run import run_scenario
from harness.plan.faults import DropConnection
from harness.plan.scenario import Scenario
from harness.recording.reader import find_runs
from harness.trace.place import At
from harness.trace.verdict import Verdict


def divergence(outcome):
    found = json.loads((outcome.folder / "equivalence.json").read_text())["first_divergence"]
    return found["step"], found["microbatch"], found["stage"], found["tensor"]


def not_simulated(_scenario, _seed=None):
    """Simulate nothing: a bug is planted in processes only."""
    return


def rungs(equivalence):
    return [(rung["rung"], rung["verdict"]) for rung in equivalence["ladder"]]


def check(outcome, name):
    return next(check for check in outcome.checks if check.name == name)


@pytest.fixture
def scenario(smallest_config):
    def make(name, topology="direct", **more):
        return Scenario(name, "A broken system", smallest_config, topology=topology, timeout=60.0, **more)

    return make


REPEATED = DropConnection(At("trunk.backward.received", 1, 1))


@pytest.mark.parametrize("topology", ["local", "direct", "proxy"])
def test_the_unbroken_system_passes_on_every_rung(planted_testbed, scenario, topology):
    outcome = run_scenario(scenario("unbroken", topology), planted_testbed())
    assert Verdict.PASS is outcome.verdict, [c.reading for c in outcome.checks]


@pytest.mark.parametrize(
    ("mutant", "topology", "first"),
    [
        ("step-the-tied-weight-twice", "local", (1, None, "bottom", "weight/transformer.wte.weight")),
        ("clip-each-part-by-itself", "direct", (1, None, "trunk", "weight/transformer.h.2.mlp.c_proj.bias")),
        ("give-the-trunk-another-coefficient", "direct", (0, None, "trunk", "trunk/clip_coefficient")),
        ("measure-half-of-a-trunks-norm", "direct", (0, None, "trunk", "norm/transformer.h.2.ln_1.bias")),
        ("seed-dropout-without-the-microbatch", "direct", (0, 1, "bottom", "smashed")),
        ("average-the-loss-over-each-microbatch", "local", (0, 0, "top", "loss")),
        (
            "leave-the-trunk-at-the-peak-learning-rate",
            "direct",
            (0, None, "trunk", "weight/transformer.h.2.mlp.c_proj.bias"),
        ),
        (
            "update-only-every-other-step-at-the-trunk",
            "local",
            (1, None, "trunk", "weight/transformer.h.2.mlp.c_proj.bias"),
        ),
        ("drop-the-attention-mask-at-the-trunk", "direct", (0, 0, "trunk", "features")),
    ],
)
def test_a_broken_rule_fails_and_shows_where(planted_testbed, scenario, mutant, topology, first):
    outcome = run_scenario(scenario(mutant, topology), planted_testbed(mutant))
    assert Verdict.FAIL is outcome.verdict
    assert Verdict.FAIL is check(outcome, "equivalence").verdict
    assert Verdict.PASS is check(outcome, "completion").verdict
    assert first == divergence(outcome)


def test_a_gradient_that_a_repeated_backward_adds_twice_shows_only_with_the_fault(planted_testbed, scenario):
    testbed = planted_testbed("accumulate-a-repeated-backward-twice")
    outcome = run_scenario(scenario("twice", "proxy", faults=(REPEATED,)), testbed)
    assert Verdict.FAIL is outcome.verdict
    assert Verdict.PASS is check(outcome, "faults").verdict
    assert (1, None, "trunk", "transformer.h.2.mlp.c_proj.bias") == divergence(outcome)

    locate(outcome, testbed, not_simulated)
    equivalence = json.loads((outcome.folder / "equivalence.json").read_text())
    assert "scenario" == equivalence["first_divergence"]["rung"]
    assert [("local", "PASS"), ("direct", "PASS"), ("proxy", "PASS"), ("scenario", "FAIL")] == rungs(equivalence)
    assert outcome.folder == find_runs(outcome.folder.parent)[-1]
    assert equivalence["first_divergence"]["split"] != equivalence["first_divergence"]["reference"]


def test_a_bug_in_the_trunks_session_is_located_on_the_local_rung(planted_testbed, scenario):
    testbed = planted_testbed("leave-the-trunk-at-the-peak-learning-rate")
    outcome = run_scenario(scenario("session"), testbed)
    locate(outcome, testbed, not_simulated)
    found = json.loads((outcome.folder / "equivalence.json").read_text())["first_divergence"]
    assert ("local", 0, "weight/transformer.h.2.mlp.c_proj.bias") == (found["rung"], found["step"], found["tensor"])
    assert [("local", "FAIL")] == rungs(json.loads((outcome.folder / "equivalence.json").read_text()))
    assert found["split"] != found["reference"]
    assert 1 == len(found["index"])
    verdict = json.loads((outcome.folder / "verdict.json").read_text())
    assert "learning rate" == verdict["cause"], "which the rung's whole tensors tell"
    assert "the trunk's update of step 0 is not zero, as the learning rate is" in verdict["likely_cause"]


def test_a_bug_on_the_wire_is_located_on_the_direct_rung(planted_testbed, scenario):
    testbed = planted_testbed("round-on-the-wire")
    outcome = run_scenario(scenario("wire"), testbed)
    assert (0, 0, "trunk", "features") == divergence(outcome)
    locate(outcome, testbed, not_simulated)
    found = json.loads((outcome.folder / "equivalence.json").read_text())["first_divergence"]
    assert ("direct", 0, "features") == (found["rung"], found["step"], found["tensor"])


def test_a_passed_run_is_not_climbed_again(planted_testbed, scenario):
    outcome = run_scenario(scenario("unbroken", "local"), planted_testbed())
    locate(outcome, planted_testbed(), not_simulated)
    assert not (outcome.folder / "rungs").exists()


def test_a_step_that_no_commit_was_seen_of_fails_though_the_bits_are_right(planted_testbed, scenario):
    testbed = planted_testbed("hide-a-commit-of-the-trunk")
    outcome = run_scenario(scenario("unseen", "local"), testbed)
    assert Verdict.FAIL is outcome.verdict
    assert Verdict.PASS is check(outcome, "equivalence").verdict
    findings = check(outcome, "exactly_once").findings
    assert "trunk.commit.applied of step 2 when 1 were applied" in [finding.message for finding in findings]
