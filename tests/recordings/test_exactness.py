"""Which elements a tolerance accepts, and how far apart numbers of any kind are."""

from math import inf, nan

import pytest
import torch

from harness.oracle.distance import distance, ulp_distance
from harness.oracle.exactness import BITWISE, Close, bits

TENTH = Close(rtol=0.1, atol=0.0)


@pytest.mark.parametrize(
    ("exactness", "value", "reference", "accepted"),
    [
        (TENTH, 1.0, 1.11, True),  # a tenth of the reference, not of the value
        (TENTH, 1.11, 1.0, False),
        (TENTH, -1.0, 1.0, False),
        (Close(rtol=0.0, atol=0.25), 0.25, 0.0, True),
        (Close(rtol=0.0, atol=0.25), 0.5, 0.0, False),
        (Close(rtol=0.1, atol=0.25), 1.34, 1.0, True),
        (TENTH, inf, inf, True),
        (TENTH, inf, -inf, False),
        (TENTH, inf, 1.0, False),
        (TENTH, nan, nan, True),  # the same bits
        (TENTH, -nan, nan, False),
        (TENTH, -0.0, 0.0, True),
        (BITWISE, -0.0, 0.0, False),
        (BITWISE, nan, nan, True),
        (BITWISE, 1.0, 1.0 + 2**-52, False),
    ],
)
def test_what_is_accepted(exactness, value, reference, accepted):
    a, b = (torch.tensor([number], dtype=torch.float64) for number in (value, reference))
    assert [not accepted] == exactness.beyond(a, b).tolist()
    assert accepted == (not distance(a, b, exactness).beyond)


def test_it_says_what_was_asked_for():
    assert ("bitwise", "close(rtol=1e-05, atol=0)") == (str(BITWISE), str(Close(1e-5, 0.0)))


@pytest.mark.parametrize(
    ("dtype", "a", "b", "apart"),
    [
        (torch.uint8, 250, 100, 150),
        (torch.int64, -3, 4, 7),
        (torch.bool, True, False, 1),
        (torch.bfloat16, 1.0, 1.0078125, 1),
        (torch.float8_e4m3fn, 1.0, 1.125, 1),
        (torch.float64, -1e300, 1e300, 2**63 - 1),
        (torch.float64, -0.0, 0.0, 0),
    ],
)
def test_numbers_of_every_kind_have_a_distance(dtype, a, b, apart):
    first, second = torch.tensor([a], dtype=dtype), torch.tensor([b], dtype=dtype)
    assert [apart] == ulp_distance(first, second).tolist() == ulp_distance(second, first).tolist()
    found = distance(first, second)
    assert (apart, 1, (0,)) == (found.max_ulp, found.differing, found.first_index)
    assert {0 if apart == 0 else 2 ** (apart.bit_length() - 1): 1} == found.histogram


def test_empty_tensors_are_at_no_distance():
    found = distance(torch.zeros(0, 3), torch.zeros(0, 3))
    assert (0, 0, {}, ()) == (found.elements, found.max_ulp, found.histogram, found.first_index)


def test_bits_are_the_bits():
    assert [0x3F80, -0x8000] == bits(torch.tensor([1.0, -0.0], dtype=torch.bfloat16)).tolist()
