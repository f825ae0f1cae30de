"""What a user's module adds by being imported: checks, materials and figures."""

import pytest

from harness.engine.material import MATERIALS, register_material
from harness.errors import UnusableError
from harness.judging.checks import CHECKS, register_check
from harness.report.figures import FIGURES, register_figure


@pytest.fixture(autouse=True)
def _nothing_stays():
    registries = (CHECKS, MATERIALS, FIGURES)
    kept = [dict(registry) for registry in registries]
    yield
    for registry, before in zip(registries, kept, strict=True):
        registry.clear()
        registry.update(before)


def check_losses_are_even(_facts):
    """Never applied here."""


def test_a_check_is_known_by_its_functions_name_and_may_be_registered_again():
    assert check_losses_are_even is register_check(register_check(check_losses_are_even))
    assert check_losses_are_even is CHECKS["losses_are_even"]


def test_a_check_without_the_prefix_in_its_name_is_refused_with_an_example():
    def losses_are_even(_facts):
        """Never applied here."""

    with pytest.raises(UnusableError, match="so call it check_losses_are_even"):
        register_check(losses_are_even)


def test_a_name_that_another_module_has_is_refused_with_both_modules():
    def check_work(_facts):
        """Never applied here."""

    with pytest.raises(
        UnusableError, match=r"harness\.judging\.checks\.work and .*test_registering both have a check 'work'"
    ):
        register_check(check_work)


def test_a_material_with_a_name_that_would_be_read_as_a_description_is_refused():
    with pytest.raises(UnusableError, match="'text: short' contains ': '"):
        register_material("text: short")


def test_materials_and_figures_are_known_by_the_name_they_are_given():
    def make(scenario, _folder):
        return scenario

    def draw(_run, _sheet):
        return ""

    assert make is register_material("a map")(make)
    assert draw is register_figure("map", "A map", "events")(draw)
    assert make is MATERIALS["a map"]
    assert ("A map", "events", draw) == (FIGURES["map"].title, FIGURES["map"].section, FIGURES["map"].draw)
