"""`harness replay` and `harness run --scenario`: what was recorded is run again, in the same way."""

import json
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from recordings import record_run

import harness.commands.running as command
from harness.cli import main
from harness.engine.run import RunOutcome, _own_modules
from harness.errors import UnusableError
from harness.judging.check import CHECKS
from harness.plan.catalogue import SMALL, scenarios_named
from harness.plan.scenario import Scenario
from harness.plan.selection import chosen_scenarios
from harness.plan.user_module import import_file
from harness.proxy.embedded.toxics import toxic
from harness.recording.plan import Plan, read_plan
from harness.recording.schema import Start
from harness.recording.writer import RunWriter
from harness.trace.verdict import Verdict

MANY = scenarios_named("many")[0].with_seed(17)
EMBEDDED = Start("embedded", 5, cold=True)
OWN = """
from dataclasses import dataclass
from harness.plan.catalogue import SMALL
from harness.plan.faults import DropConnection
from harness.plan.scenario import Scenario
from harness.trace.place import At

@dataclass(frozen=True)
class Rare(DropConnection):
    odds: float = 0.5

mine = Scenario("mine", "Mine", SMALL, faults=(Rare(At("client.forward.sent", 2), odds=0.25),), materials=("untied",))
"""


def find_backend(kind):
    if kind == "real":
        raise UnusableError("there is no toxiproxy-server")
    return SimpleNamespace(kind="embedded")


@pytest.fixture
def again(monkeypatch, tmp_path):
    """Let every run pass at once; returns what was run, and how."""
    runs = []

    def run_scenario(scenario, testbed, _on_event, record_steps, **_):
        runs.append(SimpleNamespace(scenario=scenario, testbed=testbed, record_steps=tuple(record_steps)))
        return RunOutcome(scenario, record_run(tmp_path / "again", "PASS", name=scenario.name), Verdict.PASS, ())

    @contextmanager
    def open_testbed(folder, backend, **options):
        yield SimpleNamespace(folder=folder, backend=backend, **options)

    monkeypatch.setattr(command, "run_scenario", run_scenario)
    monkeypatch.setattr(command, "open_testbed", open_testbed)
    monkeypatch.setattr(command, "find_backend", find_backend)
    return runs


@pytest.fixture
def recorded(tmp_path):
    """Return a function that records a scenario and gives its folder."""

    def record(scenario, start=EMBEDDED):
        made = RunWriter(tmp_path / "runs", Plan(scenario, start))
        made.close()
        return made.folder

    return record


@pytest.mark.parametrize("words", [["replay"], ["run", "--scenario"]], ids=" ".join)
@pytest.mark.parametrize("file", ["", "scenario.json"])
def test_a_run_is_run_again_with_its_seed_proxy_and_start(again, recorded, words, file):
    assert 0 == main([*words, str(recorded(MANY) / file)])
    (run,) = again
    assert (MANY, ()) == (run.scenario, run.record_steps)
    assert ("embedded", 5, True) == (run.testbed.backend.kind, run.testbed.seed, run.testbed.cold)


def test_a_run_is_found_by_its_name(again, recorded, monkeypatch, tmp_path):
    folder = recorded(MANY)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    folder.parent.rename(tmp_path / "reports" / "runs")
    assert 0 == main(["replay", folder.name])
    assert MANY == again[0].scenario


def test_a_proxy_that_this_machine_lacks_is_status_2_with_a_message(again, recorded, capsys):
    assert 2 == main(["replay", str(recorded(MANY, Start("real")))])
    assert [] == again
    assert "toxiproxy-server" in capsys.readouterr().err


def test_another_proxy_may_be_asked_for(again, recorded):
    assert 0 == main(["replay", str(recorded(MANY, Start("real"))), "--proxy", "embedded"])
    assert "embedded" == again[0].testbed.backend.kind


def test_a_run_without_a_proxy_needs_none_of_its_kind(again, recorded):
    assert 0 == main(["replay", str(recorded(scenarios_named("direct")[0], Start("real")))])


@pytest.mark.parametrize(
    ("start", "words", "seed"),
    [
        (Start(simulated=7), [], 7),
        (Start("embedded", 5), ["--sim"], 17),
        (Start(simulated=7), ["--real"], None),
        (Start("embedded", 5), ["--real"], None),
    ],
)
def test_a_run_is_run_again_in_its_world_unless_another_is_asked_for(again, recorded, start, words, seed):
    """The scenario's own seed is 17."""
    assert 0 == main(["replay", str(recorded(MANY, start)), *words])
    (run,) = again
    if seed is None:
        assert run.testbed.backend.kind == "embedded"
    else:
        assert Start(simulated=seed) == run.testbed.start


def test_what_run_is_told_goes_before_what_was_recorded(again, recorded):
    folder = recorded(MANY, Start("embedded", 5))
    assert 0 == main(["run", "--scenario", str(folder), "--seed", "9", "--cold", "--rung", "direct"])
    (run,) = again
    assert ("direct", 9) == (run.scenario.topology, run.scenario.config.seed)
    assert (9, True) == (run.testbed.seed, run.testbed.cold)


def test_a_users_own_scenario_and_fault_are_read_from_the_recording(again, recorded, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    (mine,) = chosen_scenarios([str(tmp_path / "own.py")], None)
    assert 0 == main(["replay", str(recorded(mine))])
    assert mine == again[0].scenario
    assert ("untied",) == again[0].scenario.materials, "made again, not recorded"


def test_a_scenario_file_by_hand_may_leave_out_how_to_start(again, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"schema": 2, "name": "mine", "title": "Mine", "config": {}}))
    assert 0 == main(["run", "--scenario", str(tmp_path / "mine.json")])
    (run,) = again
    assert (Scenario("mine", "Mine", SMALL.parse({})), 0, False) == (run.scenario, run.testbed.seed, run.testbed.cold)


def test_the_verdict_is_written_as_of_any_run(again, recorded, tmp_path, capsys):
    assert 0 == main(["replay", str(recorded(MANY)), "--json", str(tmp_path / "out.json")])
    assert ("PASS", ["many"]) == (
        (found := json.loads((tmp_path / "out.json").read_text()))["verdict"],
        [run["scenario"] for run in found["runs"]],
    )
    assert "verdict: PASS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no"),
        ("{", "not JSON"),
        ("[]", "not a scenario, which is a JSON object"),
        ('{"name": "old", "topology": "proxy"}', "of schema 0 cannot be run again"),
        ('{"schema": 2, "name": "m", "title": "M", "config": {}, "start": {"cold": "perhaps"}}', "start.cold: "),
        (
            '{"schema": 2, "name": "m", "title": "M", "config": {}, "checks": ["no-such"]}',
            "there is no check 'no-such'",
        ),
    ],
)
def test_what_cannot_be_run_again_is_status_2_with_the_reason(again, tmp_path, capsys, text, message):
    (tmp_path / "run").mkdir()
    if text:
        (tmp_path / "run" / "scenario.json").write_text(text)
    assert 2 == main(["replay", str(tmp_path / "run")])
    assert [] == again
    assert message in capsys.readouterr().err


def test_a_name_and_a_file_are_one_too_many(again, recorded, capsys):
    assert 2 == main(["run", "local", "--scenario", str(recorded(MANY))])
    assert "not both" in capsys.readouterr().err


def test_what_is_written_of_a_run_is_read_as_it_was(recorded):
    assert Plan(MANY, EMBEDDED) == read_plan(recorded(MANY))


OWN_CHECK = """
from harness.judging.check import register_check
from harness.plan.catalogue import SMALL
from harness.plan.scenario import Scenario
from harness.trace.verdict import CheckResult

@register_check
def check_of_ones_own(facts):
    return CheckResult("of_ones_own", 1, "seen")

mine = Scenario("mine", "Mine", SMALL, topology="direct", checks=("equivalence", "of_ones_own"))
"""


def test_a_users_own_check_is_imported_before_it_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(CHECKS, "of_ones_own", None)  # so that it is gone afterwards
    (tmp_path / "checking.py").write_text(OWN_CHECK)
    (mine,) = chosen_scenarios([str(tmp_path / "checking.py")], None)
    plan = Plan(mine, EMBEDDED, _own_modules(mine))
    (tmp_path / "scenario.json").write_text(json.dumps(plan.as_json()))
    program = (
        "import sys; from pathlib import Path; from harness.recording.plan import read_plan;"
        "from harness.engine.meaning import must_mean_something;"
        "plan = read_plan(Path(sys.argv[1])); must_mean_something(plan.scenario); print(plan.scenario.checks)"
    )
    words = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "('equivalence', 'of_ones_own')" == done.stdout.strip(), done.stderr


OWN_TOXIC = """
from harness import register_toxic
from harness.proxy.embedded.toxics import EmbeddedToxic

@register_toxic
class OfOnesOwn(EmbeddedToxic):
    type = "of-ones-own"

    async def run(self, stream):
        async for chunk in stream:
            await stream.write(chunk)
"""


def test_a_users_own_toxic_is_imported_before_a_run_with_faults(tmp_path, monkeypatch):
    monkeypatch.setattr(toxic, "_types", dict(toxic._types))
    monkeypatch.setitem(sys.modules, "toxic_of_ones_own", None)  # so that it is gone afterwards
    (tmp_path / "own.py").write_text(OWN_TOXIC)
    import_file(tmp_path / "own.py", "toxic_of_ones_own")
    assert {"toxic_of_ones_own": str(tmp_path / "own.py")} == _own_modules(MANY)
    assert {} == _own_modules(scenarios_named("direct")[0])
