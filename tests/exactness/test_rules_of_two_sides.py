"""Rules 8 to 11 of exactness: threads, who drives, skipped steps and received bytes (see `planted.py`)."""

import os
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import torch
from exactness.cut import batches_of, train_split
from exactness.planted import differs
from exactness.uncut import difference, load_uncut, train_uncut
from trunk.stub import checksummed_stub

import splitlearn.trunk.server
import splitlearn.trunk.session
from splitlearn.codecs import CODECS
from splitlearn.coding import Passage
from splitlearn.determinism import make_deterministic
from splitlearn.runtime.clock import SystemClock
from splitlearn.trunk.server import Address, running_server
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire import compute_service_pb2 as pb

# 8. The same thread count everywhere


class CountingService:
    """Answers every request with the number of threads that arithmetic would have."""

    def sync_training_state(self, _request):
        """Return the count as a step."""
        return pb.SyncTrainingStateReply(applied_step=torch.get_num_threads())

    def close_idle(self):
        """Nobody is idle here."""


def threads_at_the_trunk(config):
    with (
        running_server(CountingService(), config, Address("127.0.0.1", 0), SystemClock()) as address,
        grpc.insecure_channel(str(address)) as channel,
    ):
        return checksummed_stub(channel).SyncTrainingState(pb.SyncTrainingStateRequest(), timeout=30).applied_step


@pytest.fixture
def thread_count_of_the_tests():
    yield
    torch.set_num_threads(1)


@pytest.mark.usefixtures("thread_count_of_the_tests")
def test_the_trunk_computes_with_the_configured_threads(config, monkeypatch):
    """Planted: a computing thread that does not set its own count."""
    assert threads_at_the_trunk(config.but(threads=5)) == 5

    monkeypatch.setattr(
        splitlearn.trunk.server, "ThreadPoolExecutor", lambda workers, name, *_: ThreadPoolExecutor(workers, name)
    )
    assert threads_at_the_trunk(config.but(threads=7)) != 7, "the planted bug was not seen"


@pytest.mark.usefixtures("thread_count_of_the_tests")
def test_a_process_has_the_configured_threads(config):
    make_deterministic(config.but(threads=3))

    assert torch.get_num_threads() == 3
    assert torch.are_deterministic_algorithms_enabled()


def test_waiting_threads_do_not_spin():
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


# 9. The client drives, the trunk obeys


def test_the_trunk_takes_the_learning_rate_from_the_client(config, monkeypatch):
    """Planted: a trunk that uses the rate in its own configuration."""
    other = config.but(learning_rate=0.5, use_scheduler=False, max_grad_norm=0)
    batches = batches_of(steps=2)
    assert differs(config, batches, trunk_config=other) == ""

    real = splitlearn.trunk.session.apply_update
    monkeypatch.setattr(
        splitlearn.trunk.session, "apply_update", lambda optimizer, _, clip: real(optimizer, other.learning_rate, clip)
    )
    assert "losses" in differs(config, batches, trunk_config=other), "the planted bug was not seen"


def test_planted_a_trunk_whose_biases_decay(config, monkeypatch):
    def all_decay(parameters, config):
        return torch.optim.AdamW(parameters.values(), lr=config.learning_rate, weight_decay=config.weight_decay)

    monkeypatch.setattr(splitlearn.trunk.session, "build_optimizer", all_decay)

    assert "final transformer.h.1" in differs(config, batches_of(steps=1))


# 10. A step whose norm is not finite is skipped on both sides


POISON = 299


def poisoned(config, small_model, tmp_path, value):
    """A model whose embedding of one token is `value`, and data that holds the token in the second step."""
    model = load_uncut(config.but(model=str(small_model(tie_word_embeddings=False))))
    with torch.no_grad():
        model.transformer.wte.weight[POISON] = value
    model.save_pretrained(tmp_path / "poisoned")
    batches = batches_of(steps=4, microbatches=2, vocabulary=POISON)
    batches[1][1].input_ids_BT[0, 1] = batches[1][1].labels_BT[0, 1] = POISON
    return config.but(model=str(tmp_path / "poisoned")), batches


@pytest.mark.parametrize(
    ("value", "cuts"),
    [(float("inf"), "1:3"), (float("inf"), "0:2"), (3e38, "0:2"), (3e38, "1:3"), (3e38, "0:4")],
    ids=["bottom", "embedding", "trunk's blocks", "bottom's blocks", "trunk as large as may be"],
)
def test_a_step_that_is_not_finite_is_skipped_on_both_sides(config, small_model, tmp_path, value, cuts):
    config, batches = poisoned(config.but(cuts=cuts), small_model, tmp_path, value)
    expected, actual = train_uncut(config, batches), train_split(config, batches)

    assert expected.skipped == [1]
    assert difference(without_losses(expected), without_losses(actual)) == ""
    for step in (0, 2, 3):
        assert expected.losses[step] == actual.losses[step]


def without_losses(outcome):
    """The loss of a step that was given up half-way is not known to the client."""
    return type(outcome)(
        [], outcome.norms, outcome.skipped, outcome.gradients, outcome.weights, outcome.optimizer_state
    )


def test_planted_a_trunk_that_applies_a_skipped_step(config, small_model, tmp_path, monkeypatch):
    config, batches = poisoned(config.but(cuts="1:3"), small_model, tmp_path, 3e38)
    expected = train_uncut(config, batches)
    real = TrunkSession.commit

    def apply_anyway(self, commit):
        if commit.skip and commit.step == self.applied_step:
            for parameter in self._parameters.values():
                parameter.data.mul_(1 - 1e-3)
        real(self, commit)

    monkeypatch.setattr(TrunkSession, "commit", apply_anyway)

    assert difference(without_losses(expected), without_losses(train_split(config, batches))) != ""


# 11. Received bytes are copied into torch's own memory


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("offset", [1, 2, 3])
def test_received_tensors_are_aligned_and_writable(codec, offset):
    """Planted: a view of the message's bytes, which starts at whatever address the message has."""
    tensor = torch.randn(64)
    data = bytearray(offset) + bytearray(Passage().encode(CODECS[codec], tensor))
    decoded = Passage().decode(CODECS[codec], memoryview(data)[offset:], torch.float32, (64,))

    assert decoded.data_ptr() % 64 == 0
    decoded.add_(1)  # writable
    before = decoded.clone()
    data[offset:] = bytes(len(data) - offset)
    assert torch.equal(before, decoded), "memory of its own"
    if codec == "raw":
        data[offset:] = CODECS[codec].encode(tensor)
        view = torch.frombuffer(data, dtype=torch.float32, offset=offset)
        assert view.data_ptr() % 4 != 0, "the planted bug was not seen"
