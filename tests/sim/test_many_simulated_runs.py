"""Many simulated scenarios in one command: judged without run folders, and again with them if they do not pass."""

import json
from dataclasses import replace

import pytest
from sim.shares import counted, ended

import harness.commands.simulated_many as many
from harness.cli import main
from harness.commands.sharing import shared
from harness.errors import HarnessError
from harness.plan.catalogue import scenarios_named
from harness.recording.reader import find_runs
from harness.trace.verdict import CheckResult, Finding, Verdict
from splitlearn.trunk.session import TrunkSession

# With equal settings, so that they share an undisturbed run.
DUPLICATE, DROP = "net-Backward-request-duplicate-Backward", "net-Compute-reply-drop"


@pytest.fixture
def simulated(tmp_path, monkeypatch):
    """Return a function that runs scenarios in one process; returns status, JSON, and the folders kept."""
    # Locating the faulty layer would run the lower rungs with real programs.
    monkeypatch.setattr(many, "locate", lambda *_: None)

    def run(*words):
        told = tmp_path / "told.json"
        flags = ["--sim", "--jobs", "1", "--runs", str(tmp_path / "runs"), "--json", str(told)]
        status = main(["run", *words, *flags])
        return status, json.loads(told.read_text()), find_runs(tmp_path / "runs")

    return run


def test_what_passes_is_compared_bit_for_bit_and_leaves_no_folder(simulated, capsys):
    status, told, kept = simulated(DUPLICATE, DROP)

    assert (0, "PASS", []) == (status, told["verdict"], kept)
    assert {DUPLICATE, DROP} == {run["scenario"] for run in told["runs"]}
    for run in told["runs"]:
        assert ("PASS", "PASS", "PASS") == tuple(
            run["checks"][name] for name in ("equivalence", "faults", "invariants")
        )
        assert run["figures"]["tensors"] > 500
        assert "" == run["folder"]
    assert "2 scenarios in" in capsys.readouterr().out


def test_every_folder_is_kept_if_asked_for(simulated):
    status, _, kept = simulated(DUPLICATE, DROP, "--keep")
    assert (0, 2) == (status, len(kept))


def test_what_goes_wrong_under_a_fault_is_found_and_kept(simulated, monkeypatch):
    backward = TrunkSession.backward

    def joins_again(self, at, features_grad_BTH):
        known = self._tape.entries[at.microbatch].smashed_grad_BTH is not None
        result = backward(self, at, features_grad_BTH)
        if known:
            next(iter(self._parameters.values())).grad.add_(1.0)
        return result

    monkeypatch.setattr(TrunkSession, "backward", joins_again)
    status, told, kept = simulated(DUPLICATE, DROP)
    assert (1, ["FAIL", "FAIL"]) == (status, [run["verdict"] for run in told["runs"]])
    assert [run["folder"] for run in told["runs"]] == list(map(str, kept))
    assert all(run["first_divergence"]["tensor"] == "transformer.h.2.ln_1.weight" for run in told["runs"])


def test_what_is_wrong_without_faults_too_is_not_compared_with_itself(simulated, monkeypatch):
    commit = TrunkSession.commit

    def commits_too_fast(self, decided):
        commit(self, replace(decided, learning_rate=2 * decided.learning_rate) if decided.step == 3 else decided)

    monkeypatch.setattr(TrunkSession, "commit", commits_too_fast)
    status, told, _ = simulated(DUPLICATE, DROP)
    assert (1, ["FAIL", "FAIL"]) == (status, [run["verdict"] for run in told["runs"]])


def test_two_ways_to_judge_that_disagree_do_not_pass(simulated, monkeypatch):
    judged = many.judged_by_digests

    def stricter(scenario, known, seed):
        found = judged(scenario, known, seed)
        wrong = CheckResult("equivalence", 1, "", (Finding("another bit"),))
        return replace(found, verdict=Verdict.FAIL, checks=(*found.checks, wrong))

    monkeypatch.setattr(many, "judged_by_digests", stricter)
    status, told, _ = simulated(DUPLICATE, DROP)
    assert (1, ["FAIL", "FAIL"]) == (status, [run["verdict"] for run in told["runs"]])


def test_members_of_a_group_that_cannot_be_simulated_are_counted_and_not_passed(simulated):
    _, told, _ = simulated("other-parties")
    assert {"token", "tls", "mutual-tls", "export"} == {*told["not_simulated"]}
    assert ["two-clients", "three-clients"] == [run["scenario"] for run in told["runs"]]


def test_a_negative_number_of_processes_is_refused(capsys):
    assert 2 == main(["run", "direct", "drop-reply-backward", "--sim", "--jobs", "-1"])
    assert "--jobs" in capsys.readouterr().err


def test_processes_and_folders_are_a_matter_of_simulated_runs(capsys):
    assert 2 == main(["run", "direct", "--jobs", "2"])
    assert "--sim" in capsys.readouterr().err


def test_a_users_own_scenarios_stay_in_this_process():
    scenarios = scenarios_named("detection")
    assert 2 == many.jobs_for(scenarios, 2)
    assert 1 == many.jobs_for([*scenarios, replace(scenarios[0], name="mine")], 2)


def test_work_is_shared_between_processes():
    assert [0, 0, 1, 1, 2] == sorted(shared(counted, [2, 3]))


def test_a_process_that_ends_before_its_work_is_done_is_noticed():
    results = shared(ended, [1])
    assert 1 == next(results)
    with pytest.raises(HarnessError, match="has ended"):
        next(results)
