"""The trunk as a program, and clients of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest

from splitlearn.agreement import agreement
from splitlearn.client.inference import evaluate
from splitlearn.commands import eval as eval_command
from splitlearn.commands.connect import connected
from splitlearn.config import TrainingConfig
from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.tensor_log import NullTensorLog
from splitlearn.wire.trunk_link import Hello


def client_program(*words):
    """Run a client as a separate process, which must end; return exit status and standard error."""
    command = [sys.executable, "-m", "splitlearn", *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return ended.returncode, ended.stderr


def test_a_run_through_a_trunk_program(start_trunk, splitlearn, settings, small_model, tmp_path):
    """Its losses are those with a trunk in this process; the trunk outlives the session and ends with status 0."""
    splitlearn("train", *settings, "--session=local")
    trunk = start_trunk(f"--model={small_model()}")
    there = [*settings, f"--trunk-address={trunk.address}"]

    status, err = client_program("train", *there, "--seed=1")
    assert (2, True) == (status, "seed is 1 at the client and 0 at the trunk" in err)
    assert (
        "attention is eager at the client and sdpa at the trunk" in splitlearn("train", *there, "--attention=eager")[2]
    )
    status, out, _ = splitlearn("train", *there)
    assert status == 0
    assert "4 steps" in out
    status, out, _ = splitlearn("eval", *there)
    assert (status, json.loads(out)["step"]) == (0, 4)
    port = trunk.address.rpartition(":")[2]
    status, _, err = splitlearn("trunk", f"--model={small_model()}")
    assert (status, "another trunk trains with checkpoints; end it first" in err) == (2, True)
    status, _, err = splitlearn("trunk", f"--model={small_model()}", f"--port={port}", "--save-dir=elsewhere")
    assert (status, f"cannot listen on 127.0.0.1:{port}" in err) == (2, True)

    status, _, err = trunk.stop()
    assert status == 0
    assert "stopping on SIGTERM" in err
    assert "Traceback" not in err
    folders = [tmp_path / "checkpoints" / name / "client" for name in ("local", "default")]
    losses = [
        [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()] for folder in folders
    ]
    assert losses[0] == losses[1]


def test_readers_of_one_session_end_no_other_and_load_no_model(
    start_trunk, splitlearn, settings, small_model, tmp_path
):
    """One is in the middle of its work when another comes and goes; the trunk's model is no longer on disk.

    The trunk listens on every network, as it must for a client on another machine; 127.0.0.2 stands for that machine.
    """
    model = shutil.copytree(small_model(), tmp_path / "model")
    trunk = start_trunk(f"--model={model}", "--host=0.0.0.0")
    port = trunk.address.rpartition(":")[2]
    there = [*settings, f"--trunk-address=127.0.0.2:{port}"]
    shutil.rmtree(model)
    assert splitlearn("train", *there)[0] == 0

    def with_another(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(eval_command, "evaluate", evaluate)
            assert splitlearn("eval", *there)[0] == 0
        return evaluate(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eval_command, "evaluate", with_another)
        assert splitlearn("eval", *there)[0] == 0
    assert "anyone who reaches this port is served, in the clear" in trunk.stop()[2]


def test_a_trunk_that_is_told_to_stop_while_it_stands_still_stops_when_it_goes_on(start_trunk, small_model):
    """The signal may then go to a thread that does not run Python."""
    trunk = start_trunk(f"--model={small_model()}")
    trunk.process.send_signal(signal.SIGSTOP)
    os.waitpid(trunk.process.pid, os.WUNTRACED)
    trunk.process.send_signal(signal.SIGTERM)
    status, _, err = trunk.stop(signal.SIGCONT)

    assert status == 0
    assert "stopping on SIGTERM" in err


def test_a_trunk_that_waits_for_its_client_ends_at_a_second_signal(start_trunk, small_model):
    """The client has opened a session and does not save."""
    trunk = start_trunk(f"--model={small_model()}")
    config = TrainingConfig(model=str(small_model()), trunk_address=trunk.address, vocab_size=300)
    identity = FAMILY.load_client(config)[1]
    with connected(config, identity, NullProbe(), NullTensorLog(), real_runtime()) as link:
        link.open(Hello("default", agreement(config, identity)))
        trunk.process.send_signal(signal.SIGTERM)
        said = next(line for line in trunk.process.stderr if "these save first" in line)
        assert not link.stopping
        link.query()
        assert link.stopping
        status, _, err = trunk.stop()

    assert "for which there are 60 s: default; a second signal stops at once" in said
    assert (status, "stopping though these have not saved: default" in err) == (0, True)


@pytest.mark.parametrize("flag", ["--max-sessions=0", "--idle-timeout=-1", "--stop-grace=0"])
def test_limits_that_let_nobody_in_are_refused(splitlearn, small_model, flag):
    status, _, err = splitlearn("trunk", f"--model={small_model()}", flag)

    assert (status, "is not above 0" in err) == (2, True)


def test_metrics_are_shown_on_this_machine_when_they_are_asked_for(start_trunk, small_model):
    trunk = start_trunk(f"--model={small_model()}", "--metrics-port=0")
    said = next(line for line in trunk.process.stderr if "metrics at" in line)
    with urllib.request.urlopen(said.split()[-1], timeout=60) as page:  # noqa: S310 - of this test
        assert "splitlearn_trunk_sessions 0.0" in page.read().decode()

    assert "metrics at http://127.0.0.1:" in said
    assert trunk.stop()[0] == 0


def test_metrics_without_the_library_are_refused_with_what_to_install(splitlearn, small_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "splitlearn.trunk.metrics", raising=False)
    status, _, err = splitlearn("trunk", f"--model={small_model()}", "--metrics-port=0")

    assert (status, "pip install 'splitlearn[metrics]'" in err) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_trunk_stops_at_once_when_it_is_told_to(start_trunk, small_model, number):
    """The signal is sent as soon as the address is known."""
    status, _, err = start_trunk(f"--model={small_model()}").stop(number)

    assert status == 0
    assert f"stopping on {signal.Signals(number).name}" in err
