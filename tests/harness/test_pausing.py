"""A paused party has stopped when the pause is reported, and continues when resumed."""

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

from harness.engine import party as parties
from harness.engine.party import Party
from harness.errors import HarnessError
from harness.processes import starters
from harness.processes.starters import ColdStarter

HERE = Path(__file__).parent
DEADLINE = 60.0


@pytest.fixture
def party(tmp_path, monkeypatch):
    """A client that has begun; what is noted of it is in `notes`."""
    monkeypatch.setitem(starters.MODULES, "acting", "acting")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", ""))))
    with socket.socket(socket.AF_UNIX) as server, ColdStarter() as starter:
        server.bind(str(tmp_path / "meeting"))
        server.listen()
        server.settimeout(DEADLINE)
        notes = []
        made = Party(
            "client",
            lambda _again: starter.start("client", "acting", ("linger", str(tmp_path / "meeting")), tmp_path / "log"),
            lambda _source, point, **_: notes.append(point),
        )
        made.notes = notes
        made.start()
        server.accept()[0].close()
        yield made


def test_a_paused_party_has_stopped_when_the_pause_is_reported_and_continues(party):
    party.pause()
    assert psutil.STATUS_STOPPED == psutil.Process(party.program.pid).status()
    party.go_on()
    assert ["process.paused", "process.continued"] == party.notes
    assert -signal.SIGTERM == party.end()


def test_a_party_that_does_not_stop_is_reported(party, monkeypatch):
    monkeypatch.setattr(parties, "PAUSE_TIMEOUT", 0.05)
    monkeypatch.setattr(starters.Program, "send", lambda *_: None)
    with pytest.raises(HarnessError, match=r"the client did not stand still within 0\.05 s"):
        party.pause()
    monkeypatch.undo()
    assert [] == party.notes


def test_a_party_that_dies_meanwhile_is_not_paused(party, monkeypatch):
    send = starters.Program.send
    monkeypatch.setattr(starters.Program, "send", lambda program, _: send(program, signal.SIGKILL))
    with pytest.raises(HarnessError, match="did not stand still"):
        party.pause()
    assert [] == party.notes
