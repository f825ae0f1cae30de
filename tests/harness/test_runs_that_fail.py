"""Failing runs end with a verdict, a message, and a folder with everything that is known."""

import json
import shlex
import socket
from dataclasses import replace

import pytest

from harness.commands.telling import details
from harness.engine.run import run_scenario
from harness.judging.checks import CHECKS
from harness.plan.faults import DropConnection
from harness.plan.scenario import Scenario
from harness.proxy.client import ToxiproxyClient
from harness.recording.plan import read_plan
from harness.recording.reader import read_run
from harness.recording.writer import read_lines
from harness.report.page import render_run
from harness.trace.place import At
from harness.trace.verdict import Verdict


@pytest.fixture
def scenario(smallest_config):
    def make(name, topology="direct", timeout=60.0, faults=(), **changes):
        config = smallest_config.but(**changes)
        return Scenario(name, "A run that fails", config, topology=topology, timeout=timeout, faults=faults)

    return make


def verdict_file(outcome):
    return json.loads((outcome.folder / "verdict.json").read_text())


def problem(outcome):
    completion = next(check for check in outcome.checks if check.name == "completion")
    assert Verdict.FAIL is completion.verdict is outcome.verdict
    return completion.findings[0].message


def test_a_trunk_that_dies_at_once_shows_its_last_lines(planted_testbed, scenario):
    outcome = run_scenario(scenario("no-trunk"), planted_testbed(trunk=["--no-such-flag"]))
    message = problem(outcome)
    assert message.startswith("trunk ended with status 2; its log ends:\n")
    assert "unrecognized arguments: --no-such-flag" in message
    found = {check["name"]: check["verdict"] for check in verdict_file(outcome)["checks"]}
    void = dict.fromkeys(("equivalence", "exactly_once", "work", "peak_memory"), "VOID")
    assert {"completion": "FAIL", "logs": "PASS", **void} == {
        name: verdict for name, verdict in found.items() if verdict != "N/A"
    }


def test_a_client_with_another_seed_is_refused_and_the_field_is_named(planted_testbed, scenario):
    outcome = run_scenario(scenario("mismatch"), planted_testbed(client=["--seed", "99"]))
    message = problem(outcome)
    assert message.startswith("the client ended with status 2; its log ends:\n")
    assert "seed is 99 at the client and 3 at the trunk" in message


def test_a_trunk_that_dies_in_the_middle_is_the_reason_and_not_the_client(planted_testbed, scenario):
    testbed = planted_testbed("let-the-trunk-die-at-the-second-step")
    outcome = run_scenario(scenario("trunk-dies", retry_timeout=0.5), testbed)
    message = problem(outcome)
    assert message.startswith("trunk ended with status 9; its log ends:\n")
    assert "the trunk's last words" in message


def test_a_run_that_hangs_is_ended_at_its_deadline(planted_testbed, scenario):
    hanging = planted_testbed("hang-at-the-second-step")
    outcome = run_scenario(scenario("hangs", timeout=6.0, rpc_timeout=5.0), hanging)
    assert problem(outcome).startswith("client still runs after 6 s; its log ends:\n")


def test_a_fault_at_a_point_that_is_not_passed_makes_the_run_void(planted_testbed, scenario):
    never = DropConnection(At("trunk.graph.recomputed"))
    outcome = run_scenario(scenario("never", "proxy", faults=(never,)), planted_testbed())
    assert Verdict.VOID is outcome.verdict
    assert f"{never.name} did not fire" == next(check for check in outcome.checks if check.name == "faults").reading


def test_a_proxy_server_that_is_gone_is_no_verdict_on_the_system(planted_testbed, scenario):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    testbed = replace(planted_testbed(), toxiproxy=ToxiproxyClient("127.0.0.1", port))

    outcome = run_scenario(scenario("no-proxy", "proxy"), testbed)

    assert Verdict.VOID is outcome.verdict
    found = verdict_file(outcome)
    assert "harness" == found["checks"][0]["name"]
    assert "Is the Toxiproxy server still running" in found["checks"][0]["summary"]
    assert found["checks"][0]["traceback"].startswith("Traceback (most recent call last):")
    assert found["checks"][0]["traceback"] == (outcome.folder / "logs" / "harness.log").read_text()
    assert "This run proves nothing" in render_run(read_run(outcome.folder))


def test_a_timeout_that_is_too_short_for_the_reference_too_gives_a_verdict(planted_testbed, scenario):
    outcome = run_scenario(scenario("hasty", timeout=0.001, rpc_timeout=0.0005, seed=71), planted_testbed())
    assert problem(outcome).startswith("client still runs after 0.001 s")


def test_data_that_is_missing_makes_the_run_void_and_the_reason_is_reported_once(planted_testbed, scenario):
    outcome = run_scenario(scenario("no-text", data="/no/such/text"), planted_testbed())
    assert Verdict.VOID is outcome.verdict
    told = "\n".join(details(read_run(outcome.folder)))
    assert 1 == told.count("/no/such/text: there is no such file")
    assert 1 == told.count("Traceback")


def test_what_a_scenario_needs_and_cannot_be_made_makes_the_run_void(planted_testbed, scenario, monkeypatch):
    def fail(_scenario, _folder):
        raise OSError("no space left")

    monkeypatch.setattr("harness.engine.run.with_materials", fail)
    outcome = run_scenario(scenario("no-material"), planted_testbed())

    assert Verdict.VOID is outcome.verdict
    assert "no space left" in verdict_file(outcome)["checks"][0]["summary"]


def test_a_check_that_raises_is_void_and_the_others_are_judged_all_the_same(planted_testbed, scenario, monkeypatch):
    def broken(_facts):
        raise ZeroDivisionError("no steps")

    monkeypatch.setitem(CHECKS, "equivalence", broken)
    outcome = run_scenario(scenario("raises", "local"), planted_testbed())
    found = {check["name"]: check for check in verdict_file(outcome)["checks"]}
    assert Verdict.VOID is outcome.verdict
    assert ("VOID", "PASS") == (found["equivalence"]["verdict"], found["exactly_once"]["verdict"])
    assert "ZeroDivisionError: no steps" in found["equivalence"]["traceback"]
    assert "ZeroDivisionError: no steps" in found["equivalence"]["summary"]


class TestTheFolder:
    @pytest.fixture
    def failed(self, planted_testbed, scenario):
        testbed = planted_testbed("leave-the-trunk-at-the-peak-learning-rate")
        return run_scenario(scenario("kept", "proxy"), testbed)

    def test_it_has_everything_that_judge_and_report_read(self, failed):
        names = {path.name for path in failed.folder.iterdir()}
        files = {"scenario", "environment", "verdict", "equivalence", "bytes", "client", "trunk"}
        lines = {"trace.jsonl", "split.jsonl", "reference.jsonl"}
        assert {*(f"{name}.json" for name in files), *lines, "logs", "tensors", "checkpoints"} == names
        assert {"client.log", "trunk.log"} == {path.name for path in (failed.folder / "logs").iterdir()}

    def test_the_trace_has_every_event_in_order(self, failed):
        trace = read_lines(failed.folder / "trace.jsonl")
        points = [event["point"] for event in trace]
        assert ["trunk.server.starting", "trunk.server.ready"] == points[:2]
        assert [0, 1, 2] == [event["step"] for event in trace if event["point"] == "client.commit.applied"]
        assert "client.training.finished" in points

    def test_the_verdict_says_what_is_wrong_and_what_was_not_covered(self, failed):
        found = verdict_file(failed)
        assert "FAIL" == found["verdict"]
        equivalence = next(check for check in found["checks"] if check["name"] == "equivalence")
        name = "weight/transformer.h.2.mlp.c_proj.bias"
        assert f"first divergence: {name} of the trunk" == equivalence["findings"][0]["message"]
        assert "faults: none were planned" in found["not_covered"]

    def test_every_file_is_json_to_everybody(self, failed):
        def refuse(word):
            raise AssertionError(f"{word} is not JSON")

        written = {path.name: path for path in failed.folder.glob("*.json")}
        assert {"verdict.json", "equivalence.json", "bytes.json"} <= written.keys()
        for path in written.values():
            json.loads(path.read_text(), parse_constant=refuse)

    def test_a_passed_run_keeps_no_checkpoints(self, planted_testbed, scenario):
        outcome = run_scenario(scenario("passed", "local"), planted_testbed())
        assert Verdict.PASS is outcome.verdict
        assert not (outcome.folder / "checkpoints").exists()


def test_the_replay_command_of_a_scenario_of_ones_own_names_the_folder(planted_testbed, scenario):
    named = scenario("drop-reply-forward", "local", seed=17)
    outcome = run_scenario(named, planted_testbed("average-the-loss-over-each-microbatch"))
    assert ["harness", "replay", str(outcome.folder)] == shlex.split(verdict_file(outcome)["replay"])
    assert named == read_plan(outcome.folder).scenario
