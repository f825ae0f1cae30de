"""The command line without the runs: `harness run` whose scenarios end at once, with the verdicts that a test wants."""

from contextlib import contextmanager
from types import SimpleNamespace

from recordings import record_run

import harness.commands.running as command
from harness.cli import main
from harness.engine.run import RunOutcome
from harness.trace.verdict import Verdict


def leave_github(monkeypatch):
    """Run no job of GitHub's, in which the command would say more."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def ended_at_once(monkeypatch, tmp_path):
    """End every run at once, with the given `words` for verdicts in turn, then PASS; return them, and the `runs`."""
    words, runs = [], []

    def run_scenario(scenario, testbed, _on_event, record_steps, **_):
        word = words.pop(0) if words else "PASS"
        runs.append((scenario, testbed, tuple(record_steps)))
        again = f"harness run {scenario.name} --seed {scenario.config.seed}"
        folder = record_run(tmp_path / scenario.name, word, name=scenario.name, replay=again)
        return RunOutcome(scenario, folder, Verdict("VOID" if word == "ERROR" else word), ())

    @contextmanager
    def open_testbed(folder, backend, **options):
        yield SimpleNamespace(folder=folder, backend=backend, **options)

    monkeypatch.setattr(command, "run_scenario", run_scenario)
    monkeypatch.setattr(command, "open_testbed", open_testbed)
    monkeypatch.setattr(command, "locate", lambda *_: None)
    return SimpleNamespace(words=words, runs=runs)


def run(*words):
    """Run the command with the embedded proxy; return its exit status."""
    return main(["run", "--proxy", "embedded", *words])
