"""Whatever bytes arrive, either side refuses them by a reason of the protocol, or understands them; nothing else.

Bytes with a right checksum are what a faulty or hostile peer can send; damage on the way is found before.
"""

import tracemalloc

import pytest
import torch
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from properties.budget import examples
from trunk.calling import compute_request
from trunk.server import hello_of, opening_of, service_of

from harness.fuzz.messages import malformed
from harness.fuzz.target import Target
from harness.fuzz.tensors import any_tensor
from splitlearn.codecs import CODECS
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, origin_of, with_checksum
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.messages import key_message
from splitlearn.wire.methods import METHODS
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor
from splitlearn.wire.trunk_link import Position

LIMIT = 1 << 16
KINDS = tuple(malformed(Target("", "default", 1, 32, LIMIT)))
WIDTH = 32


@pytest.fixture
def trunk(config):
    """A trunk with an open session that has applied one step, and what may be known of it."""
    service = service_of(config.but(dropout=0.0))
    hello = hello_of(config.but(dropout=0.0))
    incarnation = service.open_session(opening_of(hello)).incarnation
    hidden_BTH = torch.ones(1, 3, WIDTH)
    service.compute(compute_request(incarnation, hidden_BTH))
    key = key_message("default", incarnation, Position(0, 0, 1))
    service.backward(pb.BackwardRequest(key=key, features_grad=encode_tensor(hidden_BTH, "raw", LIMIT)))
    commit = pb.Commit(step=0, learning_rate=0.1)
    action = pb.SyncTrainingStateRequest.ACTION_COMMIT
    service.sync_training_state(pb.SyncTrainingStateRequest(key=key, action=action, commit=commit))
    target = Target("", "default", incarnation, WIDTH, config.max_message_bytes, hello.agreement)
    return Dispatch(service), target


def refusal(dispatch, method, data):
    """Return why bytes are refused, or None where they are understood; any other exception is a failing test."""
    try:
        dispatch(method, data)
    except WireError as error:
        if error.reason is Reason.BUG:
            raise
        return error.reason.value
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_every_malformed_request_is_refused_for_what_is_wrong_with_it(trunk, kind):
    dispatch, target = trunk
    weights = dispatch.service._sessions.get("default", target.incarnation).session.fingerprint()

    @examples(15)
    @given(malformed(target)[kind])
    def holds(attack):
        body = with_checksum(attack.body, origin_of(attack.method)) if attack.checksum else attack.body
        reason = refusal(dispatch, attack.method, body)
        assert attack.reason in ("", reason)

    holds()
    assert weights == dispatch.service._sessions.get("default", target.incarnation).session.fingerprint()


@pytest.mark.parametrize("method", METHODS)
def test_an_altered_request_is_refused_or_understood(trunk, method):
    dispatch, target = trunk
    key = key_message("default", target.incarnation, Position(1, 0, 1))
    gradient = encode_tensor(torch.ones(1, 3, WIDTH), "zlib", LIMIT)
    sound = {
        "OpenSession": pb.OpenSessionRequest(session_id="other", agreement=target.agreement, client="c", opening=1),
        "Compute": compute_request(target.incarnation, torch.ones(1, 3, WIDTH), Position(1, 0, 1)),
        "Backward": pb.BackwardRequest(key=key, features_grad=gradient),
        "GetGradients": pb.GetGradientsRequest(key=key, names=["transformer.h.1.ln_1.weight"]),
        "SyncTrainingState": pb.SyncTrainingStateRequest(key=key, commit=pb.Commit(step=1, learning_rate=0.1)),
    }[method].SerializeToString()

    @examples(40)
    @given(altered(sound))
    def holds(body):
        refusal(dispatch, method, with_checksum(body, origin_of(method)))

    holds()


def altered(data):
    """Draw bytes near some others: with a piece replaced by any other piece, or left out."""
    places = st.integers(0, len(data))
    return st.builds(
        lambda start, length, piece: data[:start] + piece + data[start + length :],
        places,
        st.integers(0, 8),
        st.binary(max_size=8),
    )


@examples(100)
@given(st.sampled_from(sorted(METHODS)), st.binary(max_size=200), st.binary(max_size=20))
def test_any_reply_is_refused_or_a_message(method, body, request):
    sent = with_checksum(request, origin_of(method))
    try:
        reply = METHODS[method].read_reply(with_checksum(body, checksum_of(sent)), sent)
    except WireError as error:
        if error.reason is not Reason.TRANSPORT:
            raise
        return
    assert isinstance(reply, METHODS[method].reply_type)


@examples(100)
@given(any_tensor())
def test_no_tensor_takes_more_memory_than_its_limit(message):
    """Python's own memory, which is what a codec's bytes lie in; `torch.empty` comes after every check."""
    spec = TensorSpec("any", torch.float32, (None, None, None), LIMIT)
    size = message.ByteSize()
    tracemalloc.start()
    try:
        decoded = decode_tensor(message, spec)
        assert decoded.nbytes <= LIMIT
    except WireError as error:
        if error.reason is Reason.BUG:
            raise
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 3 * LIMIT + 4 * size + 64 * 1024


FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("name", CODECS)
@examples(60)
@given(values=st.lists(FINITE, min_size=1, max_size=40), dtype=st.sampled_from((torch.float32, torch.bfloat16)))
def test_every_codec_gives_back_what_it_says(name, values, dtype):
    """Its bits where it is lossless; and of what it has given back once, always the bits, unless it draws anew."""
    codec, sent = CODECS[name], torch.tensor(values).to(dtype)
    if hasattr(codec, "encode_after"):
        data, _ = codec.encode_after({}, sent)
        once = codec.decode_after({}, data, dtype, tuple(sent.shape))[0]
    else:
        once = codec.decode(codec.encode(sent), dtype, tuple(sent.shape))
        again = codec.decode(codec.encode(once), dtype, tuple(sent.shape))
        assert torch.equal(once.isnan(), again.isnan())
        if name != "random-topk":
            assert torch.equal(once.nan_to_num(), again.nan_to_num())
    assert (sent.dtype, sent.shape) == (once.dtype, once.shape)
    if codec.lossless:
        assert torch.equal(sent.view(torch.uint8), once.view(torch.uint8))
    else:
        assert codec.error_bound


def test_garbage_is_garbage():
    """Some of the bytes above are no message, or the properties would say little."""
    with pytest.raises(DecodeError):
        pb.ComputeRequest.FromString(b"\xff\xff")
