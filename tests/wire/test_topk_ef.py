"""Error feedback: what is not sent with one tensor is owed, and sent with a later one."""

import math

import pytest
import torch
from exactness.uncut import same_bits
from hypothesis import given
from hypothesis import strategies as st

from splitlearn.codecs import CODECS
from splitlearn.coding import CodecStates, Passage, Slot

CODEC = CODECS["topk-ef"]
floats = st.floats(-(2.0**100), 2.0**100, width=32)
whole = st.integers(-1000, 1000)


def streams(elements):
    """Return tensors of one shape, one after the other."""
    return st.tuples(st.integers(1, 4), st.integers(1, 25)).flatmap(
        lambda shape: st.lists(
            st.lists(elements, min_size=math.prod(shape), max_size=math.prod(shape)).map(
                lambda values: torch.tensor(values, dtype=torch.float32).view(shape)
            ),
            min_size=1,
            max_size=6,
        )
    )


def sent(tensors, state=None):
    """Yield each tensor, what was owed before it and after it, and what arrives of it."""
    state = state or {}
    for tensor in tensors:
        before = state.get("owed", torch.zeros_like(tensor))
        data, state = CODEC.encode_after(state, tensor)
        arrived, received = CODEC.decode_after({}, data, tensor.dtype, tuple(tensor.shape))
        assert received == {}
        yield tensor, before, state["owed"], arrived


@given(tensors=streams(floats))
def test_it_keeps_its_stated_bound(tensors):
    for tensor, owed, _, arrived in sent(tensors):
        exact, more = tensor.double(), owed.double()
        bound = torch.maximum(exact.abs(), more.abs() + 2.0**-24 * (exact + more).abs())
        assert ((arrived.double() - exact).abs() <= bound).all()
    assert CODEC.error_bound == "max(|x|, |owed| + 2^-24 |x + owed|)"


@given(tensors=streams(whole))
def test_nothing_is_lost(tensors):
    """Sums of whole numbers are exact in float32: what has arrived and what is owed is all that was sent."""
    passed = list(sent(tensors))
    arrived = sum(each[3] for each in passed)

    assert torch.equal(sum(tensors), arrived + passed[-1][2])


@given(tensors=streams(floats))
def test_it_sends_the_largest_of_what_is_owed_and_new(tensors):
    for tensor, owed, left, arrived in sent(tensors):
        expected = CODECS["topk"].decode(CODECS["topk"].encode(tensor + owed), tensor.dtype, tensor.shape)
        assert same_bits(expected, arrived) or (expected == arrived).all()
        assert torch.equal(tensor + owed, arrived + left)


def test_every_element_has_its_turn():
    """With `topk` the first two of twenty would arrive, and the others never."""
    passed = list(sent([torch.ones(1, 20)] * 20))

    assert all(sum(each[3] for each in passed[:10]).bool().tolist()[0])
    assert (sum(each[3] for each in passed) >= 11).all()


def test_it_is_topk_as_long_as_nothing_is_owed():
    tensor = torch.randn(7, 30)
    assert CODECS["topk"].encode(tensor) == CODEC.encode_after({}, tensor)[0] == Passage().encode(CODEC, tensor)


def test_a_tensor_of_another_shape_begins_anew():
    """Of as many elements too: they are in other places."""
    first, other = torch.randn(4, 30), torch.randn(6, 20)
    _, state = CODEC.encode_after({}, first)
    data, after = CODEC.encode_after(state, other)

    assert (data, True) == (
        CODECS["topk"].encode(other),
        same_bits(after["owed"], CODEC.encode_after({}, other)[1]["owed"]),
    )
    assert CODEC.encode_after(after, first)[0] == CODECS["topk"].encode(first)


def test_neither_the_tensor_nor_the_state_is_written_to():
    """Both may be needed again for a repeated request."""
    tensor, owed = torch.randn(4, 30), torch.randn(4, 30)
    before = tensor.clone(), owed.clone()
    for state in ({}, {"owed": owed}):
        _, after = CODEC.encode_after(state, tensor)
        after["owed"].add_(1)
    assert same_bits(before[0], tensor)
    assert same_bits(before[1], owed)


@pytest.mark.parametrize("skip", [False, True])
def test_a_step_with_nan_leaves_nothing_owed(skip):
    """Such a step is skipped; were it committed, what is owed would be NaN for ever."""
    states, slot = CodecStates(), Slot("topk-ef", "smashed", 0)
    poisoned = states.passage(slot)
    poisoned.encode(CODEC, torch.full((1, 20), float("nan")))
    states.keep(0, poisoned)
    states.commit(0, skip=skip)

    arrived = CODEC.decode_after({}, states.passage(slot).encode(CODEC, torch.ones(1, 20)), torch.float32, (1, 20))[0]
    assert skip == bool(arrived.isfinite().all())
