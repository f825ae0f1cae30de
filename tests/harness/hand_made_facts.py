"""Finished runs made by hand, for checks that read nothing but facts."""

import itertools
from pathlib import Path

from harness.judging.facts import RunFacts
from harness.oracle.compare import RunFiles
from harness.plan.faults import DropConnection
from harness.plan.links import LOOPBACK
from harness.plan.scenario import Scenario
from harness.trace.event import Event
from harness.trace.place import At
from splitlearn.config import TrainingConfig

EARLY, LATE = (DropConnection(At("client.forward.sent", number)) for number in (1, 2))


def events(*passed):
    """Make events of `point` or `(point, step, fields)`."""
    numbers = itertools.count()
    made = []
    for entry in passed:
        point, step, fields = (*entry, None, {})[:3] if isinstance(entry, tuple) else (entry, None, {})
        number = next(numbers)
        made.append(event(number, 0.1 * number, point, step, **(fields or {})))
    return made


def event(number, t, point, step=None, party="", **fields):
    """Make an event; one of a role's is that party's unless another is named."""
    source = point.partition(".")[0]
    whose = party or (source if source in ("client", "trunk") else "")
    return Event(number, t, source, whose, point, step, None, fields)


def applied(steps, sides=("client", "trunk")):
    """Make the events of steps that each side applied once."""
    return [(f"{side}.commit.applied", number, {}) for number in steps for side in sides]


def injected(fault, held):
    """Make the event of a fault that was injected."""
    return ("fault.injected", None, {"fault": fault.name, "held": held})


def healed(fault):
    """Make the event of a fault that has healed."""
    return ("fault.healed", None, {"fault": fault.name})


def step(number, loss=2.0, seconds=0.5, positions=10, microbatches=1):
    """Make the metrics of a step."""
    values = {"step": number, "loss": loss, "seconds": seconds, "positions": positions, "microbatches": microbatches}
    return {**values, "grad_norm": 1.0, "learning_rate": 1e-3, "tokens": 9, "skipped": loss is None}


def facts(
    passed=(),
    steps=(),
    reference=(),
    faults=(),
    adversaries=(),
    expects=(),
    link=LOOPBACK,
    problem="",
    traffic=None,
    loss_below=0.0,
    finals=Path("none"),
    topology="proxy",
    record_steps=(),
):
    """Make the facts of a run."""
    return RunFacts(
        scenario=Scenario(
            "by-hand",
            "Made by hand",
            TrainingConfig(),
            topology=topology,
            record_steps=record_steps,
            link=link,
            faults=faults,
            adversaries=adversaries,
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
