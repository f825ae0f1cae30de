"""A party that does not come back: the other stops waiting, and says who is gone, what was saved, and how to go on."""

import json
import signal
import subprocess
import sys

import pytest

from harness.observer import At, Observer

SECONDS = 60
HERE = At("client.forward.sending", 3)


@pytest.fixture
def killing():
    """Give an observer that kills a process, known by the time, when the client comes to a place."""
    doomed = []

    def kill(event):
        if event.release:
            doomed[0].kill()
            doomed[0].wait(SECONDS)
            event.release()

    with Observer((HERE,), kill) as observer:
        yield observer, doomed


def start_client(*words):
    command = [sys.executable, "-m", "splitlearn", "train", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def losses(folder):
    lines = map(json.loads, (folder / "client" / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line["loss"] for line in lines}


def test_a_client_without_its_trunk_stops_when_its_patience_ends(
    killing, start_trunk, splitlearn, settings, small_model, tmp_path
):
    observer, doomed = killing
    trunk = start_trunk(f"--model={small_model()}")
    doomed.append(trunk.process)
    limits = ["--save-interval=2", "--rpc-timeout=1", "--patience=1"]

    client = start_client(*settings, *limits, f"--trunk-address={trunk.address}", f"--probe={observer.path}")
    _, err = client.communicate(timeout=SECONDS)

    assert 2 == client.returncode
    assert f"trunk at {trunk.address}" in err
    assert "attempts failed within 1 s" in err
    assert "is `splitlearn trunk` running there" in err
    assert "the newest checkpoint is of step 2, in checkpoints/default/client; continue with --resume" in err
    assert "Traceback" not in err

    again = start_trunk(f"--model={small_model()}")
    status, out, _ = splitlearn("train", *settings, f"--trunk-address={again.address}", "--resume")
    assert (0, True) == (status, "4 steps" in out)
    splitlearn("train", *settings, "--session=undisturbed")
    folders = [tmp_path / "checkpoints" / name for name in ("default", "undisturbed")]
    assert losses(folders[1]) == losses(folders[0])


def test_a_trunk_without_its_client_gives_its_place_up(killing, start_trunk, settings, small_model):
    observer, doomed = killing
    trunk = start_trunk(f"--model={small_model()}", "--idle-timeout=1", f"--probe={observer.path}")
    words = [*settings, "--save-interval=2", f"--trunk-address={trunk.address}"]

    client = start_client(*words, f"--probe={observer.path}")
    doomed.append(client)
    client.communicate(timeout=SECONDS)
    observer.wait_for(At("trunk.session.closed"), SECONDS)

    assert -signal.SIGKILL == client.returncode
    status, _, err = trunk.stop()
    assert 0 == status
    assert "session default: its client has not been heard of; its place is given up. Checkpoints here: 2." in err
    assert "with --resume" in err
