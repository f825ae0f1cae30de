"""The rule for random numbers, by its values: changing it changes every recorded run."""

import hashlib
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.oracle.randomness import stage_seed as seed_of_the_judge
from splitlearn.determinism import stage_seed

STAGES = ("bottom", "trunk", "top")
# The first 8 bytes, little-endian, of SHA-256("splitlearn/dropout/SEED/STEP/MICROBATCH/STAGE"), halved: computed with
# `printf splitlearn/dropout/0/0/0/bottom | sha256sum`.
PINNED = {
    (0, 0, 0, "bottom"): 4_018_708_149_501_117_895,
    (0, 0, 0, "trunk"): 3_098_396_264_069_525_614,
    (0, 0, 0, "top"): 7_306_700_082_120_959_319,
    (0, 0, 1, "bottom"): 130_986_202_037_462_581,
    (0, 1, 0, "bottom"): 207_381_138_385_341_904,
    (1, 0, 0, "bottom"): 8_402_064_086_216_422_885,
    (7, 12, 3, "trunk"): 2_558_943_316_556_361_533,
    (2**63 - 1, 999_999, 127, "top"): 4_066_954_011_544_923_058,
}
places = st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**40), st.integers(0, 127), st.sampled_from(STAGES))


@pytest.mark.parametrize(("place", "value"), PINNED.items(), ids=map(str, PINNED))
def test_stage_seeds_are_the_committed_ones(place, value):
    assert value == stage_seed(*place)


@given(place=places)
def test_the_judge_and_the_system_follow_the_documented_rule(place):
    seed, step, microbatch, stage = place
    digest = hashlib.sha256(b"splitlearn/dropout/%d/%d/%d/%s" % (seed, step, microbatch, stage.encode())).digest()
    expected = int.from_bytes(digest[:8], "little") // 2

    assert expected == stage_seed(*place) == seed_of_the_judge(*place)
    assert expected < 2**63


def test_no_two_places_of_neighbouring_runs_share_a_seed():
    """Every run seed, step, microbatch and stage counts: 115,200 places, as many seeds."""
    every = list(product((*range(7), 2**63 - 1), range(150), range(32), STAGES))
    assert len(every) == len({stage_seed(*place) for place in every}) == 115_200


@given(places=st.lists(places, min_size=2, max_size=30, unique=True))
def test_no_two_places_share_a_seed(places):
    assert len(places) == len({stage_seed(*place) for place in places})


def test_numbers_do_not_run_into_each_other():
    """Without separators in the key, step 1, microbatch 11 would equal step 11, microbatch 1."""
    assert len({stage_seed(1, 11, 1, "top"), stage_seed(11, 1, 1, "top"), stage_seed(1, 1, 11, "top")}) == 3
