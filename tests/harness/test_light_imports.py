"""Naming and listing scenarios waits for no library that computes, speaks or starts anything."""

import subprocess
import sys

import pytest

import harness

HEAVY = {"google", "grpc", "hypothesis", "matplotlib", "numpy", "subprocess", "torch", "transformers"}
FIRST = ["harness.cli", "harness.plan.scenario", "harness.plan.catalogue", "harness.plan.selection"]


def test_what_a_project_of_ones_own_writes_loads_nothing_heavy():
    names = "At, CheckResult, Event, Fault, Finding, LinkProfile, Scenario, TrainingConfig, register_check"
    program = f"import sys; from harness import {names}; print(*{{name.partition('.')[0] for name in sys.modules}})"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert {*loaded} & HEAVY == set()


@pytest.mark.parametrize("name", harness.__all__)
def test_every_public_name_is_there(name):
    assert name == getattr(harness, name).__name__


def test_a_name_that_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'Scenarios'"):
        harness.__getattr__("Scenarios")


@pytest.mark.parametrize(
    "module", ["harness.cli", "harness.plan.scenario", "harness.plan.catalogue", "harness.plan.selection"]
)
def test_what_names_scenarios_loads_nothing_heavy(module):
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert {*loaded} & HEAVY == set()
    assert "harness" in loaded
