"""What the harness's tests share: a small training text, one warmed parent for every program, one reference."""

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from run_copy import SMALLEST, RunCopy

from harness.engine.observer import Observer
from harness.engine.references import References
from harness.engine.testbed import open_testbed
from harness.mutants import MUTANTS, load_mutants
from harness.mutants.planted import PlantedStarter
from harness.processes.starters import WarmStarter
from harness.proxy.server_process import find_backend
from splitlearn.probe import SocketProbe

load_mutants()

FORK_SERVER = Path(__file__).with_name("fork_server.py")
DEADLINE = 60.0
WORDS = [
    "a",
    "small",
    "trunk",
    "keeps",
    "the",
    "middle",
    "of",
    "every",
    "model",
    "and",
    "never",
    "sees",
    "what",
    "the",
    "client",
    "has",
    "written",
]


@pytest.fixture(scope="session")
def small_text(tmp_path_factory):
    """Lines of one to fourteen words, so that every microbatch is padded."""
    path = tmp_path_factory.mktemp("text") / "lines.txt"
    lines = [" ".join(WORDS[(row * 5 + column) % len(WORDS)] for column in range(2 + row % 13)) for row in range(40)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def smallest_config(small_text):
    """A run of three steps with padding, dropout, accumulation, clipping and a schedule."""
    return SMALLEST.but(data=str(small_text))


@pytest.fixture(scope="session")
def reference_folder(smallest_config, warm_starter, tmp_path_factory):
    """A reference with the second step's tensors whole."""
    return References(warm_starter, tmp_path_factory.mktemp("whole")).get(smallest_config, [1]).wait(DEADLINE)


@pytest.fixture
def run_copy(reference_folder, smallest_config, tmp_path):
    """A split run that equals the reference in every bit, to be corrupted."""
    return RunCopy(reference_folder, tmp_path / "split", smallest_config)


@pytest.fixture(scope="session")
def warm_starter():
    """Forks the training system."""
    with WarmStarter((str(FORK_SERVER),)) as starter:
        yield starter


class StarterOfTests:
    """Starts the training system, with a mutant planted in it or without, and with extra flags for one party."""

    def __init__(self, starter, mutant="", more_flags=None):
        self._starter = PlantedStarter(starter, MUTANTS[mutant]) if mutant else starter
        self._more_flags = more_flags or {}

    def start(self, name, program, argv, log):
        return self._starter.start(name, program, [*argv, *self._more_flags.get(name, ())], log)


@pytest.fixture(scope="session")
def shared_testbed(warm_starter, tmp_path_factory):
    """A testbed with one warmed parent and one set of references for all tests."""
    folder = tmp_path_factory.mktemp("runs")
    with open_testbed(folder, find_backend("embedded"), cold=True) as testbed:
        references = References(warm_starter, tmp_path_factory.mktemp("references"))
        yield replace(testbed, starter=warm_starter, references=references)


@pytest.fixture
def planted_testbed(shared_testbed, warm_starter):
    """Return a function from a mutant's name, and extra flags by party, to a testbed with such a system."""

    def testbed(mutant="", **more_flags):
        return replace(shared_testbed, starter=StarterOfTests(warm_starter, mutant, more_flags))

    return testbed


@pytest.fixture
def observe():
    """Return a function that opens an observer; all are closed at the end."""
    opened = []

    def make(*holds, on_event=lambda _event: None, **limits):
        observer = Observer(holds, on_event, **limits)
        opened.append(observer)
        return observer

    yield make
    for observer in opened:
        if observer.path.exists():
            observer.__exit__(None, None, None)


@pytest.fixture
def connect_probe():
    """Return a function that connects a probe as a process does; the probes are closed when the test ends."""
    probes = []

    def connect(observer, source="client", party=""):
        probes.append(SocketProbe(observer.path, source, party))
        return probes[-1]

    yield connect
    for probe in probes:
        with suppress(OSError):  # the observer was the first to close
            probe._socket.shutdown(socket.SHUT_RDWR)
    for thread in threading.enumerate():
        if thread.name == "probe":
            thread.join()
    for probe in probes:
        probe._lines.close()
        probe._socket.close()


class Meeting:
    """A socket at which processes report that they are there; a closed connection says that one is gone."""

    def __init__(self, path):
        self.path = path
        self._server = socket.socket(socket.AF_UNIX)
        self._server.settimeout(DEADLINE)
        self._server.bind(str(path))
        self._server.listen()
        self._arrived = []

    def wait_for_arrival(self):
        connection, _ = self._server.accept()
        connection.settimeout(DEADLINE)
        assert b"here\n" == connection.recv(16)
        self._arrived.append(connection)
        return connection

    def close(self):
        for connection in [self._server, *self._arrived]:
            connection.close()


@pytest.fixture
def meeting(tmp_path_factory):
    opened = Meeting(tmp_path_factory.mktemp("m") / "s")
    yield opened
    opened.close()
