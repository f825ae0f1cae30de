"""A slice of the matrices in the simulated world; `harness run kill-matrix --sim` runs the whole."""

import pytest

from harness.cli import main
from harness.plan.catalogue import CATALOGUE
from harness.plan.matrices import CONFIG
from harness.plan.quick import by_kind, by_point, spread


def plain(group):
    """Return a group's scenarios with the settings of the matrices, which share a reference."""
    return [scenario for scenario in CATALOGUE[group] if scenario.config == CONFIG and not scenario.materials]


def test_faults_change_nothing_in_simulation(tmp_path):
    kills, network = spread(plain("kill-matrix"), by_point)[::3], spread(plain("network-matrix"), by_kind)[::3]
    names = [scenario.name for scenario in (*kills, *network)]
    assert 0 == main(["run", *names, "--sim", "--jobs", "1", "--runs", str(tmp_path)])


@pytest.mark.parametrize(("group", "kind"), [("kill-matrix-ef", by_point), ("network-matrix-ef", by_kind)])
def test_faults_change_nothing_of_what_error_feedback_owes(group, kind, tmp_path):
    names = [scenario.name for scenario in spread(CATALOGUE[group], kind)[::3]]
    assert 0 == main(["run", *names, "--sim", "--jobs", "1", "--runs", str(tmp_path)])
