import zlib
from dataclasses import replace

import pytest
import torch
from exactness.uncut import same_bits
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

import splitlearn.wire.tensors
from splitlearn.codecs import CODECS
from splitlearn.coding import Passage
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor

LIMIT = 1 << 20
SPEC = TensorSpec("features", torch.float32, (2, None, 4), LIMIT)


def message(**changes):
    made = encode_tensor(torch.arange(24.0).view(2, 3, 4), changes.pop("codec_used", "raw"), LIMIT)
    for name, value in changes.items():
        if name == "shape":
            del made.shape[:]
            made.shape.extend(value)
        else:
            setattr(made, name, value)
    return made


@pytest.mark.parametrize("codec", CODECS)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), dtype=st.sampled_from(["float32", "bfloat16"]))
def test_a_tensor_arrives_as_its_codec_says(codec, shape, dtype):
    dtype = getattr(torch, dtype)
    tensor = torch.randint(-100, 100, shape).to(dtype)
    expected = Passage().arriving(CODECS[codec], Passage().encode(CODECS[codec], tensor), tensor)
    received = pb.Tensor.FromString(encode_tensor(tensor, codec, LIMIT).SerializeToString())

    assert same_bits(expected, decode_tensor(received, TensorSpec("any", dtype, tuple(shape), LIMIT)))


def test_a_view_is_sent_as_its_elements():
    tensor = torch.arange(24.0).view(4, 3, 2).permute(2, 1, 0)

    assert same_bits(tensor.contiguous(), decode_tensor(encode_tensor(tensor, "raw", LIMIT), SPEC))


def coded(data):
    """Return a message's field for encoded bytes."""
    return {"codec": "zlib", "data": data, "checksum": zlib.crc32(data)}


MALFORMED = {
    "another dtype": (Reason.BAD_DTYPE, {"dtype": pb.DTYPE_FLOAT16}, "dtype torch.float16; expected torch.float32"),
    "no dtype": (Reason.BAD_DTYPE, {"dtype": pb.DTYPE_UNSPECIFIED}, "dtype None"),
    "a dtype of the future": (Reason.BAD_DTYPE, {"dtype": 77}, "dtype None"),
    "a dimension less": (Reason.BAD_SHAPE, {"shape": (6, 4)}, "expected 2xanyx4"),
    "no shape": (Reason.BAD_SHAPE, {"shape": ()}, "expected 2xanyx4"),
    "another size": (Reason.BAD_SHAPE, {"shape": (3, 2, 4)}, "shape (3, 2, 4)"),
    "a size of zero": (Reason.BAD_SIZE, {"shape": (2, 0, 4)}, "a size of 0"),
    "a negative size": (Reason.BAD_SIZE, {"shape": (2, -3, 4)}, "a size of -3"),
    "a shape of more bytes than allowed": (Reason.TOO_LARGE, {"shape": (2, 1 << 40, 4)}, "--max-message-bytes"),
    "a shape of more elements than sent": (Reason.BAD_DATA, {"shape": (2, 4, 4)}, "instead of 128"),
    "a shape of fewer elements than sent": (Reason.BAD_DATA, {"shape": (2, 2, 4)}, "instead of 64"),
    "an unknown codec": (Reason.UNKNOWN_CODEC, {"codec": "gzip"}, f"known are {', '.join(CODECS)}"),
    "no codec": (Reason.UNKNOWN_CODEC, {"codec": ""}, "codec ''"),
    "another checksum": (Reason.CORRUPT, {"checksum": 1}, "checksum"),
    "no data": (Reason.CORRUPT, {"data": b""}, "checksum"),
    "another codec than the data's": (Reason.BAD_DATA, {"codec": "zlib"}, "damaged stream"),
    "bytes that inflate to more": (Reason.DECOMPRESSION_BOMB, coded(zlib.compress(bytes(1 << 20))), "inflates beyond"),
    "bytes that inflate to less": (Reason.BAD_DATA, coded(zlib.compress(bytes(8))), "does not inflate to exactly"),
    "bytes that do not inflate": (Reason.BAD_DATA, coded(b"abc"), "damaged stream"),
}


@pytest.mark.parametrize(("reason", "changes", "words"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_tensor_is_refused_by_name(reason, changes, words):
    with pytest.raises(WireError) as caught:
        decode_tensor(message(**changes), SPEC)
    assert reason is caught.value.reason
    assert words in caught.value.message
    assert "features" in caught.value.message


def test_a_tensor_in_another_codec_than_was_asked_for_is_refused():
    asked = replace(SPEC, codec="raw")
    assert same_bits(decode_tensor(message(), SPEC), decode_tensor(message(), asked))
    with pytest.raises(WireError, match="features: came in codec fp16; expected raw") as caught:
        decode_tensor(message(codec_used="fp16"), asked)
    assert Reason.BAD_DATA is caught.value.reason


@given(position=st.integers(0, 95), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(position, bit):
    damaged = message()
    data = bytearray(damaged.data)
    data[position] ^= 1 << bit
    damaged.data = bytes(data)

    with pytest.raises(WireError) as caught:
        decode_tensor(damaged, SPEC)
    assert Reason.CORRUPT is caught.value.reason
    assert caught.value.retryable


@given(blob=st.binary(max_size=300))
def test_no_bytes_of_a_peer_do_more_than_fail(blob):
    try:
        received = pb.Tensor.FromString(blob)
    except DecodeError:
        return
    with pytest.raises(WireError):
        decode_tensor(received, SPEC)


@pytest.mark.parametrize(
    "changes", [{"shape": (2, 1 << 40, 4)}, {"shape": (2, 1 << 62, 4)}, {"shape": (2, -3, 4)}, {"checksum": 1}]
)
def test_every_check_comes_before_memory_is_taken(monkeypatch, changes):
    class Forbidden:
        def decode(self, *_):
            raise AssertionError("decoding began")

    monkeypatch.setitem(CODECS.registered, "raw", Forbidden())
    received = message(codec_used="fp16", codec="raw", **changes)
    with pytest.raises(WireError):
        decode_tensor(received, SPEC)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_elements_that_are_not_finite_are_refused_on_both_sides(monkeypatch, value):
    tensor = torch.arange(24.0).view(2, 3, 4)
    tensor[1, 2, 3] = value
    with pytest.raises(WireError) as caught:
        encode_tensor(tensor, "raw", LIMIT)
    assert Reason.NON_FINITE is caught.value.reason

    monkeypatch.setattr(splitlearn.wire.tensors, "all_finite", lambda _: True)
    sent = encode_tensor(tensor, "raw", LIMIT)
    monkeypatch.undo()
    with pytest.raises(WireError) as caught:
        decode_tensor(sent, SPEC)
    assert Reason.NON_FINITE is caught.value.reason
    assert not caught.value.retryable


def test_what_becomes_infinite_in_a_lossy_codec_is_refused_by_the_sender():
    with pytest.raises(WireError, match="fp16") as caught:
        encode_tensor(torch.tensor([1e6]), "fp16", LIMIT)
    assert Reason.NON_FINITE is caught.value.reason


def test_a_tensor_above_the_limit_is_not_sent():
    with pytest.raises(WireError, match="lower --batch-size or --max-length") as caught:
        encode_tensor(torch.zeros(100), "zlib", 399)
    assert Reason.TOO_LARGE is caught.value.reason
    encode_tensor(torch.zeros(100), "zlib", 400)
