"""The scenarios that can be run by name make sense by themselves."""

from collections import Counter

import pytest

from harness.judging.checks import CHECKS
from harness.plan.catalogue import CATALOGUE, QUICK, scenarios_named
from harness.plan.gaps import not_covered
from harness.plan.links import LINKS, LOOPBACK, WAN_50MS
from harness.plan.scenario import Scenario
from splitlearn.config import TrainingConfig
from splitlearn.errors import ConfigError

EVERY = [scenario for group in CATALOGUE.values() for scenario in group]
each_link = pytest.mark.parametrize("link", LINKS.values(), ids=lambda link: link.name)


def test_every_name_is_that_of_one_scenario_or_group():
    """A group and its only scenario may share a name, which then means the same."""
    alone = [group for group, scenarios in CATALOGUE.items() if [group] == [s.name for s in scenarios]]
    names = Counter([*CATALOGUE, *(scenario.name for scenario in EVERY)]) - Counter(alone)
    assert [] == [name for name, count in names.items() if count > 1]


def all_but(holds):
    """Name the scenarios of which something does not hold."""
    return [scenario.name for scenario in EVERY if not holds(scenario)]


def test_a_name_gives_its_scenario():
    assert [] == all_but(lambda scenario: (scenario,) == scenarios_named(scenario.name))


@pytest.mark.parametrize("group", CATALOGUE)
def test_the_name_of_a_group_gives_all_of_it(group):
    assert CATALOGUE[group] == scenarios_named(group)
    assert CATALOGUE[group]


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        scenarios_named("no-such-scenario")


def test_the_quick_set_is_in_the_catalogue_and_breaks_something():
    quick = [scenario for name in QUICK for scenario in scenarios_named(name)]
    assert any(scenario.faults for scenario in quick)


def test_their_checks_exist():
    assert [] == all_but(lambda scenario: {*scenario.checks} <= CHECKS.keys())


def test_every_one_is_judged_by_its_bits():
    assert [] == all_but(lambda scenario: "equivalence" in scenario.checks)


def test_planned_faults_are_checked():
    assert [] == all_but(lambda scenario: not scenario.faults or "faults" in scenario.checks)


def test_what_is_expected_is_checked():
    assert [] == all_but(lambda scenario: not scenario.expects or "expectations" in scenario.checks)


def test_a_loss_is_stated_only_where_convergence_is_checked():
    assert [] == all_but(lambda scenario: not scenario.loss_below or "convergence" in scenario.checks)


def test_another_seed_changes_the_seed_alone():
    def holds(scenario):
        other = scenario.with_seed(12345)
        back = other.with_seed(scenario.config.seed)
        return (12345, scenario) == (other.config.seed, back)

    assert [] == all_but(holds)


def test_a_seed_that_is_not_allowed_is_refused():
    with pytest.raises(ConfigError, match="seed"):
        EVERY[0].with_seed(-1)


@each_link
def test_a_link_has_possible_figures_and_a_source(link):
    assert min(link.round_trip_ms, link.jitter_ms, link.up_kbps, link.down_kbps) >= 0
    assert link.jitter_ms <= link.round_trip_ms
    assert len(link.source) > 10


@each_link
def test_the_delays_of_both_directions_make_the_round_trip(link):
    assert link.round_trip_ms == link.up_delay_ms + link.down_delay_ms
    assert min(link.up_delay_ms, link.down_delay_ms) >= 0


def test_links_are_found_by_their_own_names():
    assert all(name == link.name for name, link in LINKS.items())


def test_what_is_not_covered_depends_on_the_scenario():
    bare = Scenario("bare", "Bare", TrainingConfig(), topology="direct", link=LOOPBACK)
    gaps = not_covered(bare)
    assert "a network: the topology was direct" in gaps
    assert "faults: none were planned" in gaps
    assert "padding: every sequence was full" in gaps
    full = TrainingConfig(data_format="lines", codec="zlib", gradient_accumulation_steps=3, dtype="bfloat16")
    wide = Scenario("wide", "Wide", full, link=WAN_50MS, faults=scenarios_named("many")[0].faults)
    covered = {*gaps} - {*not_covered(wide)}
    assert {"a network", "faults", "a slow link", "bfloat16", "gradient accumulation", "codecs", "padding"} == {
        gap.partition(":")[0] for gap in covered
    }
