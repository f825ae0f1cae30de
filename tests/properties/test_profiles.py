"""How many examples the profiles draw."""

import pytest
from hypothesis import settings
from properties.budget import examples


@pytest.fixture
def in_profile():
    """Load a profile for the length of a test."""
    before = settings.get_current_profile_name()
    yield settings.load_profile
    settings.load_profile(before)


def test_a_property_takes_the_same_examples_every_time(in_profile):
    in_profile("no deadline")
    usual = examples(12)
    assert (usual.max_examples, usual.derandomize, usual.deadline) == (12, True, None)


def test_the_thorough_profile_draws_others_and_many_more_and_says_how_to_repeat_one(in_profile):
    in_profile("thorough")
    thorough = examples(12, stateful_step_count=50)
    assert (thorough.max_examples, thorough.derandomize, thorough.deadline) == (240, False, None)
    assert (thorough.print_blob, thorough.stateful_step_count) == (True, 50)
