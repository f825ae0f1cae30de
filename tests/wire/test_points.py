import json
import socket
import threading

import pytest

from splitlearn.points import POINTS
from splitlearn.probe import NullProbe, SocketProbe, open_probe

SECONDS = 20


class Observer:
    """Listens on a Unix socket and speaks the probe's protocol by hand."""

    def __init__(self, path, holds):
        self.path, self.holds = path, holds
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()

    def connect(self, source="client"):
        """Start the probe and answer its greeting."""
        made = []
        thread = threading.Thread(target=lambda: made.append(SocketProbe(self.path, source)))
        thread.start()
        self.peer, _ = self.listener.accept()
        self.peer.settimeout(SECONDS)
        self.lines = self.peer.makefile("r")
        self.greeting = self.read()
        self.write({"holds": self.holds})
        thread.join(SECONDS)
        self.probe = made[0]
        return self.probe

    def read(self):
        """Wait for one line."""
        return json.loads(self.lines.readline())

    def write(self, value):
        """Send one line."""
        self.peer.sendall(json.dumps(value).encode() + b"\n")

    def hang_up(self):
        """Go away."""
        self.lines.close()
        self.peer.close()

    def close(self):
        """Close everything."""
        self.hang_up()
        self.listener.close()
        for thread in threading.enumerate():
            if thread.name == "probe":
                thread.join(SECONDS)
        self.probe._lines.close()
        self.probe._socket.close()


@pytest.fixture
def observe(tmp_path):
    observers = []

    def start(*holds):
        observers.append(Observer(tmp_path / f"{len(observers)}.sock", list(holds)))
        return observers[-1]

    yield start
    for observer in observers:
        observer.close()


def passing(probe, *arguments):
    """Pass a point in another thread; return the thread."""
    thread = threading.Thread(target=lambda: probe.point(*arguments), daemon=True)
    thread.start()
    return thread


def test_points_are_reported_in_order_with_their_fields(observe):
    observer = observe()
    probe = observer.connect("trunk")
    probe.point("trunk.compute.received", 3, 1)
    probe.point("trunk.session.opened", 0, session="run", incarnation=2)
    first, second = observer.read(), observer.read()

    assert observer.greeting == {"hello": "trunk", "party": "trunk"}
    assert tuple(first[key] for key in ("source", "point", "step", "microbatch")) == (
        "trunk",
        "trunk.compute.received",
        3,
        1,
    )
    assert (second["session"], second["incarnation"]) == ("run", 2)
    assert first["ns"] <= second["ns"]
    assert "held" not in first


def test_a_held_process_goes_on_when_it_is_released(observe):
    observer = observe({"point": "client.step.started", "step": 2, "microbatch": None})
    probe = observer.connect()
    probe.point("client.step.started", 1)
    held = passing(probe, "client.step.started", 2)

    assert "held" not in observer.read()
    event = observer.read()
    probe.point("client.commit.decided", 2)  # other threads are not held
    assert observer.read()["point"] == "client.commit.decided"
    assert held.is_alive()
    observer.write({"release": event["held"]})
    held.join(SECONDS)
    assert not held.is_alive()


def test_every_hold_matches_once(observe):
    observer = observe({"point": "client.step.started"})
    probe = observer.connect()
    held = passing(probe, "client.step.started", 7)
    observer.write({"release": observer.read()["held"]})
    held.join(SECONDS)
    probe.point("client.step.started", 8)

    assert "held" not in observer.read()


def test_an_observer_that_goes_away_releases_all_and_is_missed_by_nobody(observe):
    observer = observe({"point": "client.step.started"}, {"point": "client.step.started"})
    probe = observer.connect()
    held = [passing(probe, "client.step.started", step) for step in range(2)]
    for _ in held:
        observer.read()
    observer.hang_up()
    for thread in held:
        thread.join(SECONDS)

    assert not any(thread.is_alive() for thread in held)
    for step in range(5):
        probe.point("client.step.started", step)


def test_a_point_that_is_not_listed_is_a_bug(observe):
    probe = observe().connect()

    with pytest.raises(AssertionError, match=r"no\.such\.point is not in POINTS"):
        probe.point("no.such.point")


def test_without_an_observer_a_point_costs_nothing():
    """No socket, no thread, no object made."""
    before = threading.active_count()
    probe = open_probe(None, "client")
    probe.point("client.step.started", 1, anything=object())

    assert isinstance(probe, NullProbe)
    assert before == threading.active_count()
    assert vars(probe) == {}


def test_points_are_named_after_their_party():
    assert {"client", "trunk"} == {name.split(".")[0] for name in POINTS}
