"""Shrinks a failing case with Hypothesis to a minimal reproducer: few faults, few steps, no delays."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase
from hypothesis.errors import NoSuchExample

from harness.errors import ScenarioError, UnusableError
from harness.sim.case import Case, read_case

__all__ = ["Shrunk", "shrink"]

# Decides whether to keep something; 0 means no. It is rarely 0 when generated, but 0 is what Hypothesis shrinks to.
KEEP = st.integers(0, 31)
MOST_RUNS = 2000


@dataclass(frozen=True)
class Shrunk:
    """The result of shrinking.

    Attributes:
        case: the smallest case found that still fails in the same way.
        neighbour: the same case without one of its faults, which passes; None if it fails without any one of them.
        runs: number of cases run.
    """

    case: Case
    neighbour: Case | None
    runs: int


def shrink(case: Case, fails: Callable[[Case], bool], examples: Path) -> Shrunk:
    """Shrink a case that fails.

    Args:
        case: the failing case.
        fails: runs a case and returns whether it fails in the same way; must be deterministic.
        examples: folder of Hypothesis's example database, in which the result is kept for the next search.
    """
    runs = 0

    def fails_counted(smaller: Case | None) -> bool:
        nonlocal runs
        if smaller is None:
            return False
        runs += 1
        return fails(smaller)

    # Hypothesis uses its database for unseeded searches only, so what was found before is kept there by hand.
    database = DirectoryBasedExampleDatabase(examples)
    key = hashlib.sha256(json.dumps(case.as_json(), sort_keys=True).encode()).digest()
    case = _found_before(database, key, fails_counted) or case
    # Whole groups of faults first, so that Hypothesis has few left to try one by one.
    fewer = _with_fewer_faults(case, fails_counted)
    try:
        found = find(
            smaller_than(fewer),
            fails_counted,
            settings=settings(
                max_examples=MOST_RUNS,
                deadline=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
            random=Random(case.world.seed),  # noqa: S311 - repeatable, not secret
        )
    except NoSuchExample:
        found = fewer
    assert found is not None
    database.save(key, json.dumps(found.as_json()).encode())
    return Shrunk(found, _neighbour(found, fails_counted), runs)


@st.composite
def smaller_than(draw: st.DrawFn, case: Case) -> Case | None:
    """Draw a case with a subset of the faults, and possibly fewer steps, microbatches and clients, or no delays.

    Returns:
        The case; None if the simplified scenario is invalid.
    """
    scenario, config = case.scenario, case.scenario.config
    faults = tuple(fault for fault in scenario.faults if draw(KEEP))
    if not draw(KEEP):
        config = config.but(gradient_accumulation_steps=1)
    # Always drawn: a case that needs a further draw to have fewer steps would count as larger.
    config = config.but(max_steps=draw(st.integers(1, config.max_steps)))
    others = tuple(other for other in scenario.other_clients if draw(KEEP))
    calm = case.world.calm or not draw(KEEP)
    memory = case.world.memory if draw(KEEP) else 0
    is_slow = bool(case.world.step_seconds) and bool(draw(KEEP))
    idle_timeout = scenario.idle_timeout if scenario.idle_timeout and draw(KEEP) else 0.0
    try:
        smaller = replace(scenario, faults=faults, config=config, other_clients=others, idle_timeout=idle_timeout)
    except ScenarioError:
        return None
    step_seconds = case.world.step_seconds if is_slow else 0.0
    return Case(smaller, replace(case.world, calm=calm, memory=memory, step_seconds=step_seconds))


def _found_before(database: ExampleDatabase, key: bytes, fails: Callable[[Case], bool]) -> Case | None:
    """Return the case that an earlier search ended with, if it still fails; forget those that do not."""
    for data in list(database.fetch(key)):
        known = _read(data)
        if known is not None and fails(known):
            return known
        database.delete(key, data)
    return None


def _read(data: bytes) -> Case | None:
    """Return a case of the database; None if it cannot be read, as one that another version has written."""
    try:
        values = json.loads(data)
        return read_case(values) if isinstance(values, dict) else None
    except (ValueError, RecursionError, UnusableError):
        return None


def _with_fewer_faults(case: Case, fails: Callable[[Case | None], bool]) -> Case:
    """Leave out halves of the faults, then quarters, and so on, as long as it still fails."""
    size = len(case.scenario.faults) // 2
    while size:
        at = 0
        while at < len(case.scenario.faults):
            rest = (*case.scenario.faults[:at], *case.scenario.faults[at + size :])
            smaller = replace(case, scenario=replace(case.scenario, faults=rest))
            if fails(smaller):
                case = smaller
            else:
                at += size
        size //= 2
    return case


def _neighbour(case: Case, fails: Callable[[Case | None], bool]) -> Case | None:
    """Return the case without the latest of its faults without which it does not fail so; None if there is none."""
    for left_out in reversed(case.scenario.faults):
        rest = tuple(fault for fault in case.scenario.faults if fault is not left_out)
        smaller = replace(case, scenario=replace(case.scenario, faults=rest))
        if not fails(smaller):
            return smaller
    return None
