"""Codecs that keep a tenth of each row: which elements, in how many bytes, and what a peer may not claim."""

import math
import tracemalloc

import numpy as np
import pytest
import torch
from exactness.uncut import same_bits
from hypothesis import given
from hypothesis import strategies as st

from splitlearn.codecs import CODECS
from splitlearn.coding.elias_fano import ascending_bytes, ascending_from, ascending_size

SPARSE = ["topk", "random-topk"]
each_sparse = pytest.mark.parametrize("name", SPARSE)
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
tables = st.integers(1, 33).flatmap(
    lambda width: st.lists(
        st.lists(floats | st.sampled_from((0.0, -0.0, 1.0, -1.0)), min_size=width, max_size=width),
        min_size=1,
        max_size=5,
    ).map(torch.tensor)
)


def round_trip(name, tensor):
    return CODECS[name].decode(CODECS[name].encode(tensor), tensor.dtype, tensor.shape)


@given(table=tables)
def test_topk_keeps_the_tenth_with_the_largest_magnitudes_and_the_first_of_equal_ones(table):
    """By Python's own sort, which is stable."""
    expected = torch.zeros_like(table)
    for row, values in enumerate(table.tolist()):
        order = sorted(range(len(values)), key=lambda index: -abs(values[index]))
        for index in order[: math.ceil(len(values) / 10)]:
            expected[row, index] = table[row, index]

    assert same_bits(expected, round_trip("topk", table))


@given(table=tables)
def test_topk_keeps_its_stated_bound(table):
    """And, in the norm of a row, that of dropping all but a tenth: sqrt(0.9) of it."""
    decoded, exact = round_trip("topk", table).double(), table.double()
    width, kept = table.shape[1], math.ceil(table.shape[1] / 10)
    largest = exact.abs() >= exact.abs().sort(descending=True).values[:, kept - 1, None]
    error = (decoded - exact).abs()

    assert (error <= exact.abs()).all()
    assert ((error == 0) & largest).sum(1).min() >= kept
    assert (error.norm(dim=1) <= math.sqrt(1 - kept / width) * exact.norm(dim=1) * (1 + 1e-12)).all()
    assert CODECS["topk"].error_bound == "|x|, and 0 in the tenth of each row that has the largest magnitudes"


@given(table=tables)
def test_random_topk_keeps_its_stated_bound(table):
    decoded, kept = round_trip("random-topk", table), math.ceil(table.shape[1] / 10)
    same = decoded == table

    assert (same | (decoded == 0)).all()
    assert (same.sum(1) >= kept).all()
    assert CODECS["random-topk"].error_bound == "|x|, and 0 in a tenth of each row"


def test_random_topk_gives_one_place_in_ten_to_another():
    """Of 400 rows with 10 places each, 400 on average; the limits are five standard deviations away."""
    table = torch.randn(400, 100, generator=torch.Generator().manual_seed(1))
    largest, drawn = (round_trip(name, table) != 0 for name in ("topk", "random-topk"))

    assert (drawn.sum(1) == 10).all()
    assert 305 < (drawn & ~largest).sum() < 495
    assert ((drawn & ~largest).sum(0) > 0).sum() > 80, "anywhere in a row"


def test_random_topk_draws_the_same_for_the_same_tensor_and_disturbs_no_generator():
    table = torch.randn(50, 40)
    torch.manual_seed(3)
    before, state = torch.get_rng_state(), np.random.get_state()[1].copy()
    encoded = {CODECS["random-topk"].encode(table) for _ in range(3)}

    assert len(encoded) == 1
    assert torch.equal(before, torch.get_rng_state())
    assert (state == np.random.get_state()[1]).all()
    table[7, 7] += 1
    assert not torch.equal(round_trip("random-topk", table)[20:] != 0, round_trip("topk", table)[20:] != 0)


@each_sparse
@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf")])
def test_nothing_that_is_not_finite_is_left_out(name, odd):
    """Whatever is drawn: a row of one such element and many large ones, a thousand times."""
    table = torch.full((1000, 20), 3e38)
    table[:, 11] = odd

    assert not round_trip(name, table).isfinite().all(1).any()
    assert not round_trip(name, torch.full((3, 20), odd)).isfinite().all(1).any()


@each_sparse
def test_a_tensor_takes_as_many_bytes_whatever_is_in_it(name):
    """40 values; the number of elements; three bits of each position; one of each, and one for each eight elements."""
    sizes = {len(CODECS[name].encode(tensor)) for tensor in (torch.zeros(10, 40), torch.randn(10, 40))}

    assert sizes == {40 * 4 + 8 + 40 * 3 // 8 + math.ceil((40 + 400 // 8) / 8)}


# Positions


@given(end=st.integers(1, 3000), data=st.data())
def test_ascending_numbers_come_back(end, data):
    numbers = np.array(sorted(data.draw(st.sets(st.integers(0, end - 1), max_size=40))), np.int64)
    coded = ascending_bytes(numbers, end)

    assert ascending_from(coded, len(numbers), end).tolist() == numbers.tolist()
    assert len(coded) == ascending_size(len(numbers), end)


@given(end=st.integers(1, 300), count=st.integers(0, 30), data=st.data())
def test_whatever_a_peer_sends_positions_are_different_and_inside(end, count, data):
    size = ascending_size(count, end)
    hostile = data.draw(st.binary(min_size=size, max_size=size))
    try:
        numbers = ascending_from(hostile, count, end)
    except ValueError:
        return
    assert len(set(numbers.tolist())) == count
    assert all(0 <= number < end for number in numbers)
    assert ascending_bytes(numbers, end) == hostile, "there is one way to write them"


@pytest.mark.parametrize(
    ("numbers", "end", "said"),
    [
        ([0, 7, 7, 20, 39], 40, "do not ascend to 40"),
        ([0, 7, 8, 20, 40], 40, "do not ascend to 40"),
        ([0, 7, 8, 20, 39], 41, "not among 40"),
    ],
    ids=["twice the same", "the end itself", "another end"],
)
def test_positions_that_cannot_be_are_refused(numbers, end, said):
    coded = ascending_bytes(np.array(numbers, np.int64), end)
    assert len(coded) == ascending_size(5, 40)

    with pytest.raises(ValueError, match=said):
        ascending_from(coded, 5, 40)


def test_more_and_fewer_positions_are_refused():
    coded = bytearray(ascending_bytes(np.array([0, 7, 8, 20, 39], np.int64), 40))
    beyond_the_last = coded[:-3] + bytes([coded[-3] | 0x80]) + coded[-2:]  # 15 bits in two bytes
    for damaged in (coded[:-2] + bytes(2), coded[:-2] + b"\xff\xff", beyond_the_last):
        with pytest.raises(ValueError, match="positions that are not 5"):
            ascending_from(bytes(damaged), 5, 40)


@each_sparse
def test_a_row_with_more_than_its_tenth_is_refused(name):
    """Two of the first row and none of the second."""
    positions = ascending_bytes(np.array([3, 4], np.int64), 20)
    with pytest.raises(ValueError, match="more or less than 1 elements in a row"):
        CODECS[name].decode(bytes(8) + positions, torch.float32, (2, 10))


@each_sparse
def test_hostile_bytes_take_no_more_memory_than_the_tensor(name):
    shape = (64, 512)
    coded = CODECS[name].encode(torch.randn(shape))
    hostile = bytes([255]) * len(coded)
    tracemalloc.start()
    try:
        for data in (hostile, bytes(len(coded)), coded):
            tracemalloc.reset_peak()
            try:
                CODECS[name].decode(data, torch.float32, shape)
            except ValueError:
                assert data != coded
            assert tracemalloc.get_traced_memory()[1] < math.prod(shape) * 4
    finally:
        tracemalloc.stop()
