"""A run that waits for others says once what it waits for."""

import fcntl
import threading
from argparse import Namespace
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest

import harness.commands.running as command
from harness.engine import quiet, run
from harness.engine.quiet import TURNSTILE, machine_for
from harness.judging.judge import Judgement
from harness.plan.catalogue import scenarios_named
from harness.recording.schema import Start
from harness.trace.verdict import Verdict

SECONDS = 30.0
WORDS = {
    True: "measures times, so it waits for the other runs in {} to end",
    False: "waits for a run in {} that measures times and must be alone",
}
(DIRECT,) = scenarios_named("direct")


class Said(list):
    """What was said; someone may wait for the first of it."""

    def __init__(self):
        super().__init__()
        self.once = threading.Event()

    def __call__(self, words):
        self.append(words)
        self.once.set()


@pytest.fixture
def testbed(tmp_path, monkeypatch):
    """One in which every run passes at once."""
    monkeypatch.setattr(run, "_judged", lambda *_: Judgement(Verdict.PASS, ()))
    return SimpleNamespace(runs=tmp_path, materials=tmp_path, start_seconds=0.0, start=Start(), replay=lambda *_: "")


def begun(target):
    thread = threading.Thread(target=target)
    thread.start()
    return thread


@pytest.mark.parametrize("alone", [True, False])
def test_where_nothing_is_waited_for_nothing_is_said(tmp_path, alone):
    said = Said()
    with (
        machine_for(tmp_path, alone=alone, on_wait=said),
        nullcontext() if alone else machine_for(tmp_path, alone=False, on_wait=said),
    ):
        assert [] == said


@pytest.mark.parametrize("alone", [True, False])
def test_what_is_waited_for_is_said_once(testbed, tmp_path, alone):
    said = Said()
    with machine_for(tmp_path, alone=not alone):
        waiting = begun(lambda: run.run_scenario(replace(DIRECT, timed=alone), testbed, on_wait=said))
        assert said.once.wait(SECONDS)
    waiting.join(SECONDS)
    assert [WORDS[alone].format(tmp_path)] == said


def test_a_run_queued_behind_a_waiting_one_says_so_too(tmp_path):
    """Both could run alongside the current run, if it were not for the one in between."""
    first, second = Said(), Said()

    def wait(said, *, alone):
        with machine_for(tmp_path, alone=alone, on_wait=said):
            pass

    with machine_for(tmp_path, alone=False):
        waiting = [begun(lambda: wait(first, alone=True))]
        assert first.once.wait(SECONDS)
        waiting.append(begun(lambda: wait(second, alone=False)))
        assert second.once.wait(SECONDS)
    for thread in waiting:
        thread.join(SECONDS)
    assert [[WORDS[True].format(tmp_path)], [WORDS[False].format(tmp_path)]] == [first, second]


@pytest.mark.parametrize("alone", [True, False])
def test_nothing_is_said_of_another_that_begins_at_the_same_moment(tmp_path, monkeypatch, alone):
    monkeypatch.setattr(quiet, "MOMENT", SECONDS)
    flock, blocks, said = fcntl.flock, threading.Event(), Said()

    def noted(file, how):
        if not how & fcntl.LOCK_NB:
            blocks.set()
        flock(file, how)

    def wait():
        with machine_for(tmp_path, alone=alone, on_wait=said):
            pass

    with (tmp_path / TURNSTILE).open("w") as turnstile:
        flock(turnstile, fcntl.LOCK_EX)
        monkeypatch.setattr(fcntl, "flock", noted)
        waiting = begun(wait)
        assert blocks.wait(SECONDS)
    waiting.join(SECONDS)
    assert [] == said
    assert not waiting.is_alive()


def test_the_command_prints_it_beside_the_name(testbed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "read_run", lambda folder: folder)
    said = Said()
    shown = command.RunProgress.wait
    monkeypatch.setattr(command.RunProgress, "wait", lambda self, why: (shown(self, why), said(why)))
    with machine_for(tmp_path, alone=True):
        flags = Namespace(sim=False, record_steps=())
        waiting = begun(lambda: command._run_one(replace(DIRECT, timed=False), testbed, flags))
        assert said.once.wait(SECONDS)
    waiting.join(SECONDS)
    assert f"direct {WORDS[False].format(tmp_path)}\n" == capsys.readouterr().err
