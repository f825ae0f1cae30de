"""The judge can fail: real processes with one rule broken are found out, and the first divergence names the place."""

import json

import pytest

from harness.events import At
from harness.faults import DropConnection
from harness.locate import locate
from harness.run import run_scenario
from harness.scenario import Scenario
from harness.verdict import Verdict


def divergence(outcome):
    found = json.loads((outcome.folder / "equivalence.json").read_text())["first_divergence"]
    return found["step"], found["microbatch"], found["stage"], found["tensor"]


def check(outcome, name):
    return next(check for check in outcome.checks if check.name == name)


@pytest.fixture
def scenario(smallest_config):
    def make(name, topology="direct", **more):
        return Scenario(name, "A broken system", smallest_config, topology=topology, timeout=60.0, **more)

    return make


REPEATED = DropConnection(At("trunk.backward.received", 1, 1))


@pytest.mark.parametrize("topology", ["local", "direct", "proxy"])
def test_the_unbroken_system_passes_on_every_rung(sabotaged_workshop, scenario, topology):
    outcome = run_scenario(scenario("unbroken", topology), sabotaged_workshop())
    assert Verdict.PASS is outcome.verdict, [c.reading for c in outcome.checks]


@pytest.mark.parametrize(
    ("mutant", "topology", "first"),
    [
        ("step-the-tied-weight-twice", "local", (2, 0, "bottom", "smashed")),
        ("clip-each-part-by-itself", "direct", (2, 0, "trunk", "features")),
        ("seed-dropout-without-the-microbatch", "direct", (0, 1, "bottom", "smashed")),
        ("average-the-loss-over-each-microbatch", "local", (0, 0, "top", "loss")),
        ("leave-the-trunk-at-the-peak-learning-rate", "direct", (1, 0, "trunk", "features")),
        ("drop-the-attention-mask-at-the-trunk", "direct", (0, 0, "trunk", "features")),
    ],
)
def test_a_broken_rule_fails_and_shows_where(sabotaged_workshop, scenario, mutant, topology, first):
    outcome = run_scenario(scenario(mutant, topology), sabotaged_workshop(mutant))
    assert Verdict.FAIL is outcome.verdict
    assert Verdict.FAIL is check(outcome, "equivalence").verdict
    assert Verdict.PASS is check(outcome, "completion").verdict
    assert first == divergence(outcome)


def test_a_gradient_that_a_repeated_backward_adds_twice_shows_only_with_the_fault(sabotaged_workshop, scenario):
    workshop = sabotaged_workshop("accumulate-a-repeated-backward-twice")
    outcome = run_scenario(scenario("twice", "proxy", faults=(REPEATED,)), workshop)
    assert Verdict.FAIL is outcome.verdict
    assert Verdict.PASS is check(outcome, "faults").verdict
    assert (1, None, "trunk", "transformer.h.2.mlp.c_proj.bias") == divergence(outcome)

    locate(outcome, workshop)
    assert "proxy" == json.loads((outcome.folder / "equivalence.json").read_text())["first_divergence"]["rung"]


def test_a_bug_in_the_trunks_session_is_located_on_the_local_rung(sabotaged_workshop, scenario):
    workshop = sabotaged_workshop("leave-the-trunk-at-the-peak-learning-rate")
    outcome = run_scenario(scenario("session"), workshop)
    locate(outcome, workshop)
    found = json.loads((outcome.folder / "equivalence.json").read_text())["first_divergence"]
    assert ("local", 1, "features") == (found["rung"], found["step"], found["tensor"])
    assert found["split"] != found["reference"]
    assert 3 == len(found["index"])


def test_a_bug_on_the_wire_is_located_on_the_direct_rung(sabotaged_workshop, scenario):
    workshop = sabotaged_workshop("round-on-the-wire")
    outcome = run_scenario(scenario("wire"), workshop)
    assert (0, 0, "trunk", "features") == divergence(outcome)
    locate(outcome, workshop)
    found = json.loads((outcome.folder / "equivalence.json").read_text())["first_divergence"]
    assert ("direct", 0, "features") == (found["rung"], found["step"], found["tensor"])


def test_a_passed_run_is_not_climbed_again(sabotaged_workshop, scenario):
    outcome = run_scenario(scenario("unbroken", "local"), sabotaged_workshop())
    before = sorted(path.name for path in outcome.folder.parent.iterdir())
    locate(outcome, sabotaged_workshop())
    assert before == sorted(path.name for path in outcome.folder.parent.iterdir())


def test_a_step_that_no_commit_was_seen_of_fails_though_the_bits_are_right(sabotaged_workshop, scenario):
    workshop = sabotaged_workshop("commit-only-every-other-step-at-the-trunk")
    outcome = run_scenario(scenario("unseen", "local"), workshop)
    assert Verdict.FAIL is outcome.verdict
    assert Verdict.PASS is check(outcome, "equivalence").verdict
    findings = check(outcome, "exactly_once").findings
    assert "trunk.commit.applied of step 2 when 1 were applied" in [finding.message for finding in findings]
