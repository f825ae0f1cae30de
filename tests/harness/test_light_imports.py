"""Naming and listing scenarios waits for no library that computes, speaks or starts anything."""

import subprocess
import sys

import pytest

HEAVY = {"google", "grpc", "hypothesis", "matplotlib", "numpy", "subprocess", "torch", "transformers"}
FIRST = ["harness.cli", "harness.plan.scenario", "harness.plan.catalogue", "harness.plan.selection"]


@pytest.mark.parametrize(
    "module", ["harness.cli", "harness.plan.scenario", "harness.plan.catalogue", "harness.plan.selection"]
)
def test_what_names_scenarios_loads_nothing_heavy(module):
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert {*loaded} & HEAVY == set()
    assert "harness" in loaded
