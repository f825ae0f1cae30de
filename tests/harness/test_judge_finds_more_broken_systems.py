"""Bugs that only certain runs can show: a skipped step, another client, strangers, an export."""

import json
import re

import pytest

from harness.engine.materials import SKIPPED_STEP
from harness.engine.run import run_scenario
from harness.plan.catalogue import scenarios_named
from harness.trace.verdict import Verdict


def failing(testbed, name):
    """Run a scenario of the catalogue, which must fail; return its checks that do, by name, and the run's folder."""
    (scenario,) = scenarios_named(name)
    outcome = run_scenario(scenario, testbed)
    assert Verdict.FAIL is outcome.verdict
    return {check.name: check.reading for check in outcome.checks if check.verdict is Verdict.FAIL}, outcome.folder


@pytest.mark.parametrize(("party", "stages"), [("client", {"bottom", "top"}), ("trunk", {"trunk"})])
def test_gradients_that_a_skipped_step_leaves_show_in_the_next(planted_testbed, party, stages):
    testbed = planted_testbed(f"keep-the-gradients-of-a-skipped-step-at-the-{party}")

    found, folder = failing(testbed, "skip-then-go-on")

    assert "equivalence" in found
    first = json.loads((folder / "equivalence.json").read_text())["first_divergence"]
    assert first["step"] == SKIPPED_STEP + 1
    assert first["stage"] in stages
    assert first["tensor"].startswith(("transformer", "lm_head")), "a gradient"


def test_sessions_that_share_their_weights_show_with_another_client(planted_testbed):
    """Which client meets a weight or a gradient that the other has changed is a matter of chance."""
    failing(planted_testbed("give-every-session-the-same-stage"), "two-clients")


def test_an_export_of_the_older_checkpoint_shows(planted_testbed):
    found, _ = failing(planted_testbed("export-the-older-checkpoint"), "export")

    assert found.keys() == {"export"}
    assert found["export"].endswith("of the export is not the reference's")


@pytest.mark.parametrize(
    ("mutant", "name", "reading"),
    [
        ("let-in-whoever-comes", "token", "no token OpenSession: the answer was .*; UNAUTHENTICATED is right"),
        ("speak-in-the-clear", "mutual-tls", "TLS handshake: the answer was no handshake: .*"),
        ("ask-for-no-certificate", "mutual-tls", "no certificate OpenSession: the answer was .*; UNAVAILABLE is right"),
    ],
)
def test_a_trunk_that_admits_strangers_is_found(planted_testbed, mutant, name, reading):
    found, _ = failing(planted_testbed(mutant), name)

    assert found.keys() == {"strangers"}
    assert re.fullmatch(reading, found["strangers"])
