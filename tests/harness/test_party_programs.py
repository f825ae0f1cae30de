"""Real programs that stop, lose their peer, or share a trunk: nothing is lost, nothing hangs, all is said."""

import signal
import threading

import pytest
from safetensors.torch import load_file

from harness.engine.observer import Observer
from harness.mutants import MUTANTS
from harness.mutants.planted import PlantedStarter
from harness.trace.place import At

DEADLINE = 60.0


class Pair:
    """A trunk and clients of it, heard by an observer that holds them at the given places until they are let go."""

    def __init__(self, starter, config, folder, *holds):
        self.starter, self.folder = starter, folder
        self.config = config.but(save_dir=folder / "saved", session="run", save_interval=1)
        self.held = {}
        self.passed = threading.Condition()
        self.observer = Observer(holds, self._take)

    def _take(self, event):
        if event.release:
            with self.passed:
                self.held[event.point] = event.release
                self.passed.notify_all()

    def start(self, name, *words, **settings):
        """Start a program."""
        path = self.folder / f"{name}.json"
        self.config.but(**settings).save(path)
        command = {"trunk": "trunk"}.get(name, "train")
        argv = [command, *map(str, words), "--config", str(path), "--probe", str(self.observer.path)]
        return self.starter.start(name, "splitlearn", argv, self.folder / f"{name}.log")

    def start_trunk(self, *words, port=0):
        """Start the trunk; later clients find it."""
        trunk = self.start("trunk", "--port", port, *words)
        ready = self.observer.wait_for(At("trunk.server.ready"), DEADLINE, meanwhile=trunk.must_run)
        self.config = self.config.but(trunk_address=ready.fields["address"])
        return trunk

    def wait_until_held(self, point):
        """Wait for a process to be held; return its release."""
        with self.passed:
            assert self.passed.wait_for(lambda: point in self.held, DEADLINE), f"{point} was not passed"
        return self.held[point]

    def weights(self, step, session="run", client_dir=None):
        """Read both halves of a checkpoint."""
        folders = {"client": client_dir or self.config.save_dir, "trunk": self.config.save_dir}
        name = f"step-{step:08d}.safetensors"
        halves = (load_file(folder / session / role / name) for role, folder in folders.items())
        return {key: tensor.numpy().tobytes() for half in halves for key, tensor in half.items()}


@pytest.fixture
def pair(warm_starter, smallest_config, tmp_path):
    """Make pairs; their programs end with the test."""
    pairs, programs = [], []

    class Starter:
        def __init__(self, mutant):
            self._starter = PlantedStarter(warm_starter, MUTANTS[mutant]) if mutant else warm_starter

        def start(self, *request):
            programs.append(self._starter.start(*request))
            return programs[-1]

    def make(*holds, mutant=""):
        folder = tmp_path / str(len(pairs))
        folder.mkdir()
        pairs.append(Pair(Starter(mutant), smallest_config, folder, *holds))
        return pairs[-1]

    yield make
    for program in programs:
        program.send(signal.SIGKILL)
        program.wait(DEADLINE)
    for each in pairs:
        each.observer.__exit__(None, None, None)


@pytest.fixture
def undisturbed(pair):
    """The weights of an uninterrupted run."""
    calm = pair()
    calm.start_trunk()
    assert 0 == calm.start("client").wait(DEADLINE)
    return calm.weights(3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("point", ["client.forward.sent", "client.commit.applied"])
def test_a_client_that_is_told_to_stop_saves_and_says_how_to_go_on(pair, undisturbed, point, number):
    two = pair(At(point, 1))
    trunk = two.start_trunk()
    client = two.start("client")
    release = two.wait_until_held(point)
    client.send(number)
    release()

    assert 128 + number == client.wait(DEADLINE)
    said = client.last_lines()
    assert f"stopped by {number.name} after 2 steps; the newest checkpoint is of step 2" in said
    assert "--resume auto" in said
    assert "Traceback" not in said
    assert 0 == two.start("again", "--resume", "auto").wait(DEADLINE)
    assert trunk.running
    assert undisturbed == two.weights(3)


def test_a_second_signal_ends_the_client_at_once_and_what_was_saved_stands(pair, undisturbed):
    """The trunk is held, so that the step cannot end."""
    two = pair(At("trunk.backward.received", 2))
    two.start_trunk()
    client = two.start("client")
    release = two.wait_until_held("trunk.backward.received")
    client.send(signal.SIGINT)
    client.send(signal.SIGTERM)
    status = client.wait(DEADLINE)
    release()

    # Which of the two is heard first is up to the system.
    assert status in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    assert "at once; the newest checkpoint is of step 2" in client.last_lines()
    assert 0 == two.start("again", "--resume").wait(DEADLINE)
    assert undisturbed == two.weights(3)


def test_a_second_signal_ends_the_client_at_once_though_grpc_never_closes_its_channel(pair):
    """Seen on a busy machine: the signal came while gRPC started a call, and the client hung at its end."""
    two = pair(At("trunk.backward.received", 0), mutant="never-close-a-channel")
    two.start_trunk()
    client = two.start("client")
    two.wait_until_held("trunk.backward.received")
    client.send(signal.SIGINT)
    client.send(signal.SIGTERM)

    assert client.wait(DEADLINE) in (128 + signal.SIGINT, 128 + signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_trunk_that_is_told_to_stop_in_a_step_ends_well_and_the_run_goes_on_with_the_next(pair, undisturbed, number):
    two = pair(At("trunk.backward.received", 1))
    trunk = two.start_trunk()
    client = two.start("client")
    release = two.wait_until_held("trunk.backward.received")
    trunk.send(number)
    release()

    assert 0 == trunk.wait(DEADLINE)
    assert "Traceback" not in trunk.log.read_text()
    two.start_trunk(port=two.config.trunk_address.rpartition(":")[2])
    assert 0 == client.wait(DEADLINE)
    assert undisturbed == two.weights(3)


def test_a_trunk_that_is_away_for_good_is_named_with_what_was_saved(pair):
    two = pair(At("trunk.backward.received", 1))
    trunk = two.start_trunk()
    client = two.start("client", retry_timeout=1.0)
    release = two.wait_until_held("trunk.backward.received")
    trunk.send(signal.SIGKILL)
    release()

    assert 2 == client.wait(DEADLINE)
    said = client.last_lines()
    assert f"trunk at {two.config.trunk_address}: " in said
    assert "attempts failed within 1 s" in said
    assert "the newest checkpoint is of step 1" in said
    assert "continue with --resume" in said


def test_a_client_that_is_away_for_good_loses_its_place_and_can_come_back(pair, undisturbed):
    two = pair(At("client.forward.sent", 1))
    trunk = two.start_trunk("--idle-timeout", 3.0)
    client = two.start("client")
    two.wait_until_held("client.forward.sent")
    client.send(signal.SIGKILL)
    two.observer.wait_for(At("trunk.session.closed"), DEADLINE, meanwhile=trunk.must_run)

    said = trunk.log.read_text()
    assert "session run: its client has not been heard of" in said
    assert "Checkpoints here: 1" in said
    assert 0 == two.start("again", "--resume").wait(DEADLINE)
    assert undisturbed == two.weights(3)


def test_a_second_client_takes_over_and_the_first_is_told(pair, undisturbed):
    two = pair(At("client.forward.received", 1))
    two.start_trunk()
    first = two.start("client")
    release = two.wait_until_held("client.forward.received")
    assert 0 == two.start("second", "--resume").wait(DEADLINE)
    release()

    assert 2 == first.wait(DEADLINE)
    assert "another client has taken this session over, and this one stops" in " ".join(first.last_lines().split())
    assert undisturbed == two.weights(3)


def test_two_sessions_on_one_trunk_are_isolated(pair, undisturbed):
    """Each waits for the other in the middle of a step, so that their requests alternate."""
    two = pair(At("client.forward.sent", 1), At("client.backward.sent", 1))
    two.start_trunk("--max-sessions", 2)
    first = two.start("client")
    go_on = two.wait_until_held("client.forward.sent")
    second = two.start("second", session="other", save_dir=two.folder / "elsewhere")
    release = two.wait_until_held("client.backward.sent")
    go_on()
    assert 0 == first.wait(DEADLINE)
    release()

    assert 0 == second.wait(DEADLINE)
    assert undisturbed == two.weights(3)
    assert undisturbed == two.weights(3, "other", two.folder / "elsewhere")


def test_one_session_too_many_is_refused_by_configuration(pair):
    two = pair(At("client.forward.sent", 1))
    two.start_trunk()
    two.start("client")
    two.wait_until_held("client.forward.sent")
    refused = two.start("second", session="other")

    assert 2 == refused.wait(DEADLINE)
    assert "the trunk keeps 1 sessions: run" in " ".join(refused.last_lines().split())
