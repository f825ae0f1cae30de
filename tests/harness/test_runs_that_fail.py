"""Runs that go wrong end with a verdict, a message, and a folder that tells all there is to tell."""

import json
import shlex
import socket
from dataclasses import replace

import pytest

from harness.cli import main
from harness.commands.run import chosen_scenarios
from harness.events import At
from harness.faults import DropConnection
from harness.proxy.client import ToxiproxyClient
from harness.proxy.errors import ServerUnreachableError
from harness.record import read_lines
from harness.run import run_scenario
from harness.scenario import Scenario
from harness.verdict import Verdict


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


def test_a_trunk_that_dies_at_once_shows_its_last_lines(sabotaged_workshop, scenario):
    outcome = run_scenario(scenario("no-trunk"), sabotaged_workshop(trunk=["--no-such-flag"]))
    message = problem(outcome)
    assert message.startswith("trunk ended with status 2; its log ends:\n")
    assert "unrecognized arguments: --no-such-flag" in message
    assert {"completion": "FAIL", "equivalence": "VOID", "exactly_once": "VOID"} == {
        check["name"]: check["verdict"] for check in verdict_file(outcome)["checks"] if check["verdict"] != "PASS"
    }


def test_a_client_with_another_seed_is_refused_and_the_field_is_named(sabotaged_workshop, scenario):
    outcome = run_scenario(scenario("mismatch"), sabotaged_workshop(client=["--seed", "99"]))
    message = problem(outcome)
    assert message.startswith("the client ended with status 2; its log ends:\n")
    assert "seed is 99 at the client and 3 at the trunk" in message


def test_a_trunk_that_dies_in_the_middle_is_the_reason_and_not_the_client(sabotaged_workshop, scenario):
    workshop = sabotaged_workshop("let-the-trunk-die-at-the-second-step")
    outcome = run_scenario(scenario("trunk-dies", patience=0.5), workshop)
    message = problem(outcome)
    assert message.startswith("trunk ended with status 9; its log ends:\n")
    assert "the trunk's last words" in message


def test_a_run_that_hangs_is_ended_at_its_deadline(sabotaged_workshop, scenario):
    outcome = run_scenario(scenario("hangs", timeout=6.0), sabotaged_workshop("hang-at-the-second-step"))
    assert problem(outcome).startswith("client still runs after 6 s; its log ends:\n")


def test_a_fault_at_a_point_that_is_not_passed_makes_the_run_void(sabotaged_workshop, scenario):
    never = DropConnection(At("client.forward.sent", 99))
    outcome = run_scenario(scenario("never", "proxy", faults=(never,)), sabotaged_workshop())
    assert Verdict.VOID is outcome.verdict
    assert f"{never.name} did not fire" == next(check for check in outcome.checks if check.name == "faults").reading


def test_a_proxy_server_that_is_gone_is_no_verdict_on_the_system(sabotaged_workshop, scenario):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    workshop = replace(sabotaged_workshop(), toxiproxy=ToxiproxyClient("127.0.0.1", port))
    with pytest.raises(ServerUnreachableError, match="Is the Toxiproxy server still running"):
        run_scenario(scenario("no-proxy", "proxy"), workshop)


class TestTheFolder:
    @pytest.fixture
    def failed(self, sabotaged_workshop, scenario):
        workshop = sabotaged_workshop("leave-the-trunk-at-the-peak-learning-rate")
        return run_scenario(scenario("kept", "proxy"), workshop)

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
        assert "first divergence: features of the trunk" == equivalence["findings"][0]["message"]
        assert "faults: none were planned" in found["not_covered"]

    def test_every_file_is_json_to_everybody(self, failed):
        def refuse(word):
            raise AssertionError(f"{word} is not JSON")

        for path in failed.folder.glob("*.json"):
            json.loads(path.read_text(), parse_constant=refuse)

    def test_a_passed_run_keeps_no_checkpoints(self, sabotaged_workshop, scenario):
        outcome = run_scenario(scenario("passed", "local"), sabotaged_workshop())
        assert Verdict.PASS is outcome.verdict
        assert not (outcome.folder / "checkpoints").exists()


def test_the_replay_command_is_one_that_the_harness_takes(sabotaged_workshop, scenario, monkeypatch):
    """The name and seed in it give the very scenario again."""
    named = scenario("drop-reply-forward", "local", seed=17)
    outcome = run_scenario(named, sabotaged_workshop("average-the-loss-over-each-microbatch"))
    command, subcommand, *words = shlex.split(verdict_file(outcome)["replay"])
    assert ("harness", "run") == (command, subcommand)
    chosen = []
    monkeypatch.setattr("harness.commands.run.run", lambda flags: chosen.append(flags) or 0)
    assert 0 == main([subcommand, *words])
    (again,) = chosen_scenarios(chosen[0].names, chosen[0].seed)
    assert (named.name, named.config.seed) == (again.name, again.config.seed)
