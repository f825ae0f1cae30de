"""A codec with state at both ends: whatever is repeated, lost or killed, its bytes are those of an undisturbed run."""

import pytest
import torch
from client.runs import (
    CrashError,
    CrashingProbe,
    assert_same,
    direct,
    final_state,
    local_trunk,
    remote_trunk,
    train,
)
from trunk.server import service_of

from splitlearn.codecs import bytes_of, tensor_from
from splitlearn.errors import UserError
from splitlearn.registry import CODECS
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire.lossy import LossyTransport, Mishandling


class DifferenceCodec:
    """Sends the difference from the last tensor that arrived, in half precision; both ends remember that tensor."""

    name = "difference"
    lossless = False
    error_bound = "2^-11 of the difference"

    def encode_after(self, state, tensor):
        data = bytes_of((tensor - last_of(state, tensor.shape)).to(torch.float16))
        return data, self.decode_after(state, data, tensor.dtype, tensor.shape)[1]

    def decode_after(self, state, data, dtype, shape):
        arrived = last_of(state, shape) + tensor_from(data, torch.float16, shape).to(dtype)
        return arrived.clone(), {"last": arrived}


def last_of(state, shape):
    """Return the last tensor that arrived; a microbatch of another length starts from zero."""
    last = state.get("last")
    return last if last is not None and last.shape == shape else torch.zeros(shape)


WITHOUT_STATE = {"difference": "fp16", "topk-ef": "topk"}


@pytest.fixture(params=WITHOUT_STATE)
def run(request, run, monkeypatch):
    monkeypatch.setitem(CODECS.registered, "difference", DifferenceCodec())
    return run.but(codec=request.param)


@pytest.fixture(scope="module")
def calm_runs_by_codec():
    """Final states of undisturbed runs, by codec."""
    return {codec: {} for codec in WITHOUT_STATE}


@pytest.fixture
def calm_runs(run, calm_runs_by_codec):
    """Final states of undisturbed runs with this codec."""
    return calm_runs_by_codec[run.codec]


def test_its_states_are_in_both_halves_and_make_a_difference(run, undisturbed, tmp_path):
    client, trunk = (
        {name for name in undisturbed if f"codec_states/{run.codec}/{stream}" in name}
        for stream in ("smashed/", "features/")
    )
    assert len(client) == len(trunk) == 2  # of either microbatch; both halves have files of one name

    plain = run.but(codec=WITHOUT_STATE[run.codec], save_dir=tmp_path / "plain")
    train(plain, local_trunk(plain))
    assert not any("codec_states" in name for name in final_state(plain))
    with pytest.raises(AssertionError):
        assert_same({n: t for n, t in undisturbed.items() if "codec_states" not in n}, final_state(plain))


@pytest.mark.parametrize("seed", range(3))
def test_lost_and_doubled_messages_change_nothing(run, undisturbed, seed):
    transport = LossyTransport(direct(service_of(run)), seed)
    train(run, remote_trunk(transport, run))

    assert set(Mishandling) == set(transport.happened)
    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize(
    ("point", "step"),
    [
        ("client.forward.sent", 6),
        ("client.backward.received", 9),
        ("client.commit.applied", 7),
        ("client.checkpoint.saved", 8),
    ],
)
def test_a_client_that_died_resumes(run, undisturbed, point, step):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe(point, step))
    train(run, local_trunk(run), resume=True)

    assert_same(undisturbed, final_state(run))


def test_a_trunk_that_was_started_again_goes_on(run, undisturbed):
    """The client keeps running, and both go back to the checkpoint."""
    transport = direct(service_of(run))

    class Restarting(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **_):
            if (name, step, microbatch) == ("client.backward.sending", 6, 1) and self.place:
                self.place = None
                transport.dispatch = Dispatch(service_of(run, boot=2))

    train(run, remote_trunk(transport, run), probe=Restarting())

    assert_same(undisturbed, final_state(run))


def test_inputs_that_were_dropped_are_sent_again(run, undisturbed):
    small = run.model_copy(update={"max_pending_bytes": 100_000})
    train(run, remote_trunk(direct(service_of(small)), run))

    assert_same(undisturbed, final_state(run))


def test_states_beyond_the_trunks_limit_are_refused_with_advice(run):
    small = run.model_copy(update={"max_pending_bytes": 20_000})

    with pytest.raises(UserError, match=r"the states of codecs take .* raise --max-pending-bytes at the trunk"):
        train(run, remote_trunk(direct(service_of(small)), run))
