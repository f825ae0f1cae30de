"""The quick check for NaN and infinity says what looking at every element says."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from splitlearn.wire.tensors import all_finite

# The largest finite numbers, whose sum overflows, and infinities, whose sum is NaN.
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 1e-45, 3.4e38, -3.4e38, float("inf"), float("-inf"), float("nan")])


@given(st.lists(NUMBERS, max_size=40), st.sampled_from([torch.float32, torch.float16, torch.bfloat16]))
def test_it_says_what_looking_at_every_element_says(numbers, dtype):
    tensor = torch.tensor(numbers, dtype=dtype)
    assert all_finite(tensor) == bool(torch.isfinite(tensor).all())


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", [0, 7, 4095, 99_999])
def test_one_element_is_seen_anywhere_in_a_large_tensor(number, place):
    tensor = torch.ones(100_000)
    tensor[place] = number
    assert not all_finite(tensor)


def test_finite_numbers_whose_sum_overflows_are_finite():
    assert all_finite(torch.full((1000,), 3.4e38))
    assert all_finite(torch.full((1000,), 65504.0, dtype=torch.float16))


def test_integers_are_finite():
    assert all_finite(torch.tensor([255], dtype=torch.uint8))
