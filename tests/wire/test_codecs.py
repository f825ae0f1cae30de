import struct
import sys
import zlib

import pytest
import torch
from exactness.uncut import same_bits
from hypothesis import given
from hypothesis import strategies as st

from splitlearn.codecs import CODECS, InflatesTooFarError
from splitlearn.coding import Passage

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
tensors = st.lists(floats, min_size=1, max_size=50).map(lambda values: torch.tensor(values, dtype=torch.float32))
tables = st.integers(1, 9).flatmap(
    lambda width: st.lists(
        st.lists(floats | st.floats(-2, 2, width=32), min_size=width, max_size=width), min_size=1, max_size=8
    ).map(torch.tensor)
)
LOSSLESS = [name for name, codec in CODECS.items() if codec.lossless]


def encode(name, tensor):
    return Passage().encode(CODECS[name], tensor)


def decode(name, data, dtype, shape):
    return Passage().decode(CODECS[name], data, dtype, shape)


def round_trip(name, tensor):
    return decode(name, encode(name, tensor), tensor.dtype, tensor.shape)


@pytest.mark.parametrize("name", LOSSLESS)
@given(tensor=tensors)
def test_lossless_codecs_give_back_the_same_bits(name, tensor):
    assert same_bits(tensor, round_trip(name, tensor))


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.uint8, torch.float32])
@given(data=st.binary(min_size=4, max_size=64))
def test_lossless_codecs_keep_any_bytes_of_any_type(name, dtype, data):
    """NaN payloads, negative zeros and subnormal numbers too."""
    tensor = torch.frombuffer(bytearray(data[: len(data) // 4 * 4]), dtype=torch.uint8).clone().view(dtype)
    assert same_bits(tensor, round_trip(name, tensor))


@given(tensor=tensors)
def test_fp16_keeps_its_stated_bound(tensor):
    tensor = tensor[tensor.abs() <= 65504]
    decoded = round_trip("fp16", tensor).double()
    exact = tensor.double()
    bound = torch.where(exact.abs() >= 2.0**-14, 2.0**-11 * exact.abs(), torch.tensor(2.0**-25, dtype=torch.float64))

    assert (abs(decoded - exact) <= bound).all()
    assert CODECS["fp16"].error_bound == "2^-11 |x| for 2^-14 <= |x| <= 65504, 2^-25 below"


@given(tensor=tensors)
def test_bf16_keeps_its_stated_bound(tensor):
    tensor = tensor[tensor.abs() < (2 - 2**-8) * 2.0**127]
    decoded, exact = round_trip("bf16", tensor).double(), tensor.double()
    bound = torch.where(exact.abs() >= 2.0**-126, 2.0**-8 * exact.abs(), 2.0**-134)

    assert (abs(decoded - exact) <= bound).all()
    assert CODECS["bf16"].error_bound == "2^-8 |x| for 2^-126 <= |x| < (2 - 2^-8) 2^127, 2^-134 below"


@given(table=tables)
def test_int8_keeps_its_stated_bound_in_every_row(table):
    decoded, exact = round_trip("int8", table).double(), table.double()

    assert (abs(decoded - exact) <= exact.abs().amax(-1, keepdim=True).clamp(min=2.0**-126) / 253).all()
    assert CODECS["int8"].error_bound == "max(|row|) / 253, or 2^-126 / 253 if that is more"


@given(values=st.lists(floats | st.floats(-2, 2, width=32), min_size=1, max_size=200))
def test_int4_keeps_its_stated_bound_in_every_block(values):
    decoded, exact = round_trip("int4", torch.tensor(values)).double(), torch.tensor(values).double()
    for block, arrived in zip(exact.split(64), decoded.split(64), strict=True):
        assert (abs(arrived - block) <= block.abs().max().clamp(min=2.0**-126) / 13.9).all()
    assert CODECS["int4"].error_bound == "max(|block|) / 13.9, or 2^-126 / 13.9 if that is more"


@pytest.mark.parametrize("tiny", [0.0, -0.0, 2.0**-149, -(2.0**-127)])
def test_int8_makes_no_nan_of_rows_that_are_next_to_nothing(tiny):
    table = torch.tensor([[tiny, -tiny, 0.0], [1.0, 0.5, -1.0]])

    assert abs(round_trip("int8", table) - table).max() <= 0.5 / 127
    assert CODECS["int8"].encode(table).startswith(struct.pack("<2f", 2.0**-126, 1.0))


def test_int4_makes_no_nan_of_blocks_that_are_next_to_nothing():
    blocks = torch.cat([torch.zeros(64), torch.full((64,), 2.0**-149), torch.ones(3)])

    assert torch.equal(torch.cat([torch.zeros(128), torch.ones(3)]), round_trip("int4", blocks))
    assert CODECS["int4"].encode(blocks).startswith(struct.pack("<3H", 1 << 7, 1 << 7, 127 << 7))  # exponents


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 127, 128, 129, 191])
def test_int4_puts_every_element_back_in_its_place(count):
    """Multiples of a seventh arrive as they are; neighbours differ, and so do elements half the tensor apart."""
    steps = torch.arange(count) * 11 % 15 - 7.0
    steps[::64] = 7

    assert torch.equal(steps / 7 * 7, round_trip("int4", steps))
    assert len(CODECS["int4"].encode(steps)) == -(-count // 2) + 2 * -(-count // 64)


def test_int8_keeps_the_largest_of_each_row_exactly():
    table = torch.randn(50, 20) * torch.logspace(-30, 30, 50).unsqueeze(1)
    largest = table.abs() == table.abs().amax(-1, keepdim=True)

    assert torch.equal(table[largest], round_trip("int8", table)[largest])


@pytest.mark.parametrize("name", ["int4", "int8"])
@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf")])
def test_scaling_hides_nothing_that_is_not_finite(name, odd):
    table = torch.ones(2, 64)
    table[0, 5] = odd
    decoded = round_trip(name, table)

    assert decoded[0].isnan().all()
    assert decoded[1].isfinite().all()


def test_fp16_turns_what_it_cannot_hold_into_infinity():
    assert torch.isinf(round_trip("fp16", torch.tensor([65520.0, -1e30]))).all()


@pytest.mark.parametrize("name", CODECS)
@given(data=st.binary(max_size=200), shape=st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_garbage_is_refused_or_decodes_to_the_asked_shape(name, data, shape):
    try:
        decoded = decode(name, data, torch.float32, shape)
    except ValueError:
        return
    assert shape == decoded.shape


@pytest.mark.parametrize("name", CODECS)
@given(tensor=tensors, data=st.data())
def test_truncated_and_lengthened_data_is_refused(name, tensor, data):
    coded = encode(name, tensor)
    cut = data.draw(st.integers(0, len(coded) - 1))
    for damaged in (coded[:cut], coded + b"\0", coded + coded):
        with pytest.raises(ValueError, match=r"."):
            decode(name, damaged, torch.float32, tensor.shape)


@pytest.mark.parametrize("name", CODECS)
@given(tensor=tensors)
def test_another_number_of_elements_is_refused(name, tensor):
    coded = encode(name, tensor)
    for count in (tensor.numel() + 1, tensor.numel() - 1, 10**12):
        with pytest.raises(ValueError, match=r"."):
            decode(name, coded, torch.float32, (count,))


def test_a_compression_bomb_is_not_inflated(monkeypatch):
    """A kibibyte that would become a mebibyte is given up after the bytes that were asked for, and one."""
    bomb = zlib.compress(bytes(1 << 20), 9)
    made, real = [], zlib.decompressobj

    class Spy:
        def __init__(self):
            self._real = real()

        def decompress(self, data, limit):
            made.append(self._real.decompress(data, limit))
            return made[-1]

        def __getattr__(self, name):
            return getattr(self._real, name)

    monkeypatch.setattr(zlib, "decompressobj", Spy)
    with pytest.raises(ValueError, match="64 bytes"):
        CODECS["zlib"].decode(bomb, torch.float32, (4, 4))
    assert [len(planes) for planes in made] == [65]


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("offset", [0, 1, 3])
def test_decoded_tensors_own_their_memory(name, offset):
    """Wherever the bytes lie, the elements are aligned, writable and independent of them."""
    tensor = torch.tensor([[7.0], [-7.0], [0.0], [7.0], [7.0], [0.0], [-7.0], [0.0]])  # no codec changes it
    data = bytearray(offset) + encode(name, tensor)
    decoded = decode(name, bytes(data)[offset:], torch.float32, (8, 1))
    decoded += 1

    assert torch.equal(tensor + 1, decoded)
    assert decoded.data_ptr() % 64 == 0


@pytest.mark.parametrize("told", [True, False])
def test_a_zstandard_stream_that_would_inflate_too_far_is_given_up(told):
    """Whether its header tells the size or not."""
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 10})
    untold = compressor.compress(bytes(1 << 20)) + compressor.flush()
    bomb = zstd.compress(bytes(1 << 20)) if told else untold
    assert zstd.get_frame_info(bomb).decompressed_size == (1 << 20 if told else None)

    with pytest.raises(InflatesTooFarError, match="64 bytes"):
        CODECS["shuffle-zstd"].decode(bomb, torch.float32, (4, 4))


def test_a_zstandard_stream_may_not_ask_for_more_memory_than_its_tensor_takes():
    """What it asks for is allocated before its first byte is inflated."""
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    greedy = compressor.compress(bytes(64), compressor.FLUSH_BLOCK) + compressor.flush()

    with pytest.raises(ValueError, match="too much memory"):
        CODECS["shuffle-zstd"].decode(greedy, torch.float32, (4, 4))


@pytest.mark.parametrize("name", ["zlib", "shuffle-zstd"])
def test_compression_makes_activations_smaller(name):
    tensor = torch.randn(4096)

    assert len(encode(name, tensor)) < tensor.nbytes
