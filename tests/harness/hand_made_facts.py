"""Finished runs made by hand, for checks that read nothing but facts."""

import itertools
from pathlib import Path

from harness.events import Event
from harness.facts import RunFacts
from harness.links import LOOPBACK
from harness.oracle.compare import RunFiles
from harness.scenario import Scenario
from splitlearn.config import TrainingConfig


def events(*passed):
    """Make events of `point` or `(point, step, fields)`."""
    numbers = itertools.count()
    made = []
    for entry in passed:
        point, step, fields = (*entry, None, {})[:3] if isinstance(entry, tuple) else (entry, None, {})
        number = next(numbers)
        made.append(Event(number, 0.1 * number, point.partition(".")[0], point, step, None, fields or {}))
    return made


def step(number, loss=2.0, seconds=0.5):
    """Make the metrics of a step."""
    values = {"step": number, "loss": loss, "seconds": seconds, "positions": 10}
    return {**values, "grad_norm": 1.0, "learning_rate": 1e-3, "tokens": 9, "skipped": loss is None}


def facts(
    passed=(),
    steps=(),
    reference=(),
    faults=(),
    expects=(),
    link=LOOPBACK,
    problem="",
    traffic=None,
    loss_below=0.0,
    finals=Path("none"),
):
    """Make the facts of a run."""
    return RunFacts(
        scenario=Scenario(
            "by-hand",
            "Made by hand",
            TrainingConfig(),
            link=link,
            faults=faults,
            expects=expects,
            loss_below=loss_below,
        ),
        events=events(*passed),
        problem=problem,
        split_steps=list(steps),
        reference_steps=list(reference),
        split=RunFiles((), ()),
        reference=RunFiles((), (finals,)),
        traffic=traffic,
    )
