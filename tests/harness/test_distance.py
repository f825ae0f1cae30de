"""Distances between tensors, against a naive count of representable values."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.oracle.distance import distance, ulp_distance

WIDTHS = {16: np.float16, 32: np.float32}


def walk(value, steps):
    """Go from a number to the one that is some representable values away."""
    towards = value.dtype.type(math.copysign(math.inf, steps))
    with np.errstate(over="ignore", under="ignore"):
        for _ in range(abs(steps)):
            value = np.nextafter(value, towards)
    return value


@given(st.data(), st.sampled_from([16, 32]), st.integers(-40, 40))
def test_ulp_counts_the_values_between(data, width, steps):
    start = WIDTHS[width](data.draw(st.floats(allow_nan=False, allow_infinity=False, width=width)))
    end = walk(start, steps)
    if np.isfinite(end):
        a, b = (torch.from_numpy(np.array([x])) for x in (start, end))
        assert abs(steps) == int(ulp_distance(a, b)) == int(ulp_distance(b, a))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_from_the_least_to_the_greatest_number_every_value_counts(dtype):
    greatest = torch.tensor([torch.finfo(dtype).max], dtype=dtype)
    infinity = torch.tensor([math.inf], dtype=dtype)
    tiny = torch.tensor([torch.finfo(dtype).smallest_normal], dtype=dtype)
    mantissa = {torch.float32: 23, torch.float16: 10, torch.bfloat16: 7}[dtype]
    exponents = {torch.float32: 8, torch.float16: 5, torch.bfloat16: 8}[dtype]
    positive = (2**exponents - 1) * 2**mantissa - 1
    assert 2 * positive == int(ulp_distance(greatest, -greatest))
    assert 1 == int(ulp_distance(greatest, infinity))
    assert 2**mantissa == int(ulp_distance(tiny, torch.zeros(1, dtype=dtype)))


def test_zeros_of_both_signs_differ_at_no_distance():
    found = distance(torch.tensor([1.0, 0.0]), torch.tensor([1.0, -0.0]))
    assert (1, 0, (1,), {0: 2}) == (found.differing, found.max_ulp, found.first_index, found.histogram)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_the_histogram_counts_elements_by_powers_of_two(steps):
    reference = np.ones(len(steps), np.float32)
    split = np.array([walk(np.float32(1), n) for n in steps])
    found = distance(torch.from_numpy(split), torch.from_numpy(reference))
    naive = {}
    for n in steps:
        bucket = 0 if n == 0 else 1 << (n.bit_length() - 1)
        naive[bucket] = naive.get(bucket, 0) + 1
    assert naive == found.histogram
    assert max(steps) == found.max_ulp
    assert sum(n > 0 for n in steps) == found.differing


floats = st.floats(-1e3, 1e3, width=32)


@given(st.lists(st.tuples(floats, floats), min_size=1, max_size=6))
def test_l2_and_cosine_are_those_of_the_textbook(pairs):
    a, b = (np.array(column, np.float32).astype(np.float64) for column in zip(*pairs, strict=True))
    found = distance(torch.from_numpy(a).float(), torch.from_numpy(b).float())
    if (a.tobytes() == b.tobytes()) or np.linalg.norm(a) < 1e-3 or np.linalg.norm(b) < 1e-3:
        return
    assert pytest.approx(np.linalg.norm(a - b) / np.linalg.norm(b), rel=1e-9) == found.relative_l2
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert pytest.approx(cosine, rel=1e-9, abs=1e-9) == found.cosine


def test_the_first_difference_is_the_first_in_memory_order():
    reference = torch.arange(24.0).reshape(2, 3, 4)
    split = reference.clone()
    split[1, 0, 3] += 1
    split[0, 2, 1] -= 1
    found = distance(split, reference)
    assert ((0, 2, 1), 8.0, 9.0) == (found.first_index, found.split, found.reference)


def test_equal_zeros_are_at_no_distance():
    found = distance(torch.zeros(4), torch.zeros(4))
    assert (0, 0, 0.0, 1.0, ()) == (
        found.differing,
        found.max_ulp,
        found.relative_l2,
        found.cosine,
        found.first_index,
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_ulp(value):
    found = distance(torch.tensor([1.0, value]), torch.tensor([1.0, 2.0]))
    assert (-1, 1, (1,)) == (found.max_ulp, found.differing, found.first_index)
