"""The trunk's periodic checks continue after one that failed."""

import threading

import pytest
from trunk.server import Trunk, service_of

from splitlearn.trunk import server
from splitlearn.trunk.journal import Journal

SECONDS = 10


@pytest.mark.parametrize("culprit", ["the places of clients", "the journal"])
def test_a_check_that_fails_is_logged_with_its_traceback_and_is_not_the_last(config, monkeypatch, caplog, culprit):
    looks, again = [], threading.Event()

    def look(*_):
        looks.append(culprit)
        if len(looks) == 1:
            raise ZeroDivisionError("a planted bug")
        again.set()

    service = service_of(config)
    monkeypatch.setattr(server, "TIDY_SECONDS", 0.01)
    if culprit == "the journal":
        monkeypatch.setattr(Journal, "sum_up", look)
    else:
        monkeypatch.setattr(service, "close_idle", look)
    trunk = Trunk(config, service)
    found = again.wait(SECONDS)
    trunk.stop()

    assert found
    assert "ZeroDivisionError: a planted bug" in caplog.text


@pytest.mark.parametrize("culprit", ["the journal", "the places of clients"])
def test_a_part_of_the_check_that_always_fails_does_not_stop_the_other(config, monkeypatch, culprit):
    looked = threading.Event()

    def look(*_):
        looked.set()

    def fail(*_):
        raise ZeroDivisionError("a planted bug")

    service = service_of(config)
    monkeypatch.setattr(server, "TIDY_SECONDS", 0.01)
    monkeypatch.setattr(Journal, "sum_up", fail if culprit == "the journal" else look)
    monkeypatch.setattr(service, "close_idle", look if culprit == "the journal" else fail)
    trunk = Trunk(config, service)
    found = looked.wait(SECONDS)
    trunk.stop()

    assert found
