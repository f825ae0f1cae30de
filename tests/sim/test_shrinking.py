"""A failure among fifty faults shrinks to the few that matter."""

import hashlib
import json
from dataclasses import replace
from statistics import median

import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from harness.sim.ablating import fails_without, violation_without
from harness.sim.draw_case import case_of
from harness.sim.shrink import shrink

PLANTED = "backward-once"
SEEDS = (0, 1, 2, 3, 4)


def test_fifty_faults_shrink_to_three_at_most_in_few_runs(tmp_path):
    found = []
    for seed in SEEDS:
        case = case_of(seed, "stub", faults=50)
        violation = violation_without(PLANTED, case)
        if violation is not None:
            found.append(shrink(case, fails_without(PLANTED, violation.invariant), tmp_path))

    assert len(found) >= 3
    assert median(len(each.case.scenario.faults) for each in found) <= 3
    assert median(each.case.scenario.config.max_steps for each in found) <= 2
    assert median(each.runs for each in found) <= 100


def test_a_second_search_begins_with_what_the_first_found(tmp_path):
    case = case_of(1, "stub", faults=50)
    fails = fails_without(PLANTED, violation_without(PLANTED, case).invariant)
    first, second = (shrink(case, fails, tmp_path) for _ in range(2))

    assert second.case == first.case
    assert second.runs < first.runs


def test_what_no_longer_fails_is_forgotten(tmp_path):
    case = case_of(1, "stub", faults=50)
    fails = fails_without(PLANTED, violation_without(PLANTED, case).invariant)
    found = shrink(case, fails, tmp_path)
    again = shrink(case, lambda other: other != found.case and fails(other), tmp_path)

    assert again.case != found.case


@pytest.mark.parametrize("entry", [b"{", b"\xff", b"[]", b"{}", b'{"simulation": {"seed": "one"}}'])
def test_an_entry_that_cannot_be_read_is_forgotten(tmp_path, entry):
    case = case_of(1, "stub", faults=2)
    key = hashlib.sha256(json.dumps(case.as_json(), sort_keys=True).encode()).digest()
    database = DirectoryBasedExampleDatabase(tmp_path)
    database.save(key, entry)
    shrink(case, lambda _: True, tmp_path)

    assert entry not in database.fetch(key)
    assert len([*database.fetch(key)]) == 1


def test_a_case_of_other_settings_has_entries_of_its_own(tmp_path):
    case = case_of(1, "stub", faults=2)
    other = replace(case, scenario=case.scenario.but(learning_rate=0.5))
    shrink(case, lambda _: True, tmp_path)

    assert shrink(other, lambda _: True, tmp_path).case.scenario.config.learning_rate == 0.5
