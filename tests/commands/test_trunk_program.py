"""The trunk as a program, and clients of it."""

import json
import os
import signal
import subprocess
import sys

import pytest


def client_program(*words):
    """Run a client as a process of its own, which must end; gives exit status and standard error."""
    command = [sys.executable, "-m", "splitlearn", *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
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


def test_a_trunk_that_is_told_to_stop_while_it_stands_still_stops_when_it_goes_on(start_trunk, small_model):
    """The signal may then go to a thread that does not run Python."""
    trunk = start_trunk(f"--model={small_model()}")
    trunk.process.send_signal(signal.SIGSTOP)
    os.waitpid(trunk.process.pid, os.WUNTRACED)
    trunk.process.send_signal(signal.SIGTERM)
    status, _, err = trunk.stop(signal.SIGCONT)

    assert status == 0
    assert "stopping on SIGTERM" in err


@pytest.mark.parametrize("flag", ["--max-sessions=0", "--idle-timeout=-1"])
def test_limits_that_let_nobody_in_are_refused(splitlearn, small_model, flag):
    status, _, err = splitlearn("trunk", f"--model={small_model()}", flag)

    assert (status, "is not above 0" in err) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_trunk_stops_at_once_when_it_is_told(start_trunk, small_model, number):
    """The signal is sent as soon as the address is known."""
    status, _, err = start_trunk(f"--model={small_model()}").stop(number)

    assert status == 0
    assert f"stopping on {signal.Signals(number).name}" in err
