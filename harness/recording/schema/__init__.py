"""The records in a run's folder: one frozen dataclass per kind, written by the engine and read by everyone.

pydantic turns them into JSON and back (`writer.py`, `reader.py`). Fields with defaults may be absent from the files.
"""

from harness.recording.schema.environment import Environment, Proxy
from harness.recording.schema.equivalence import Equivalence, EquivalenceRow, RungRun
from harness.recording.schema.event import Event
from harness.recording.schema.scenario import Link, PlannedAdversary, PlannedFault, Scenario, Trigger
from harness.recording.schema.start import Start
from harness.recording.schema.step import Breakdown, Step
from harness.recording.schema.traffic import Traffic
from harness.recording.schema.values import CheckWord, Figures, Value, VerdictWord
from harness.recording.schema.verdict import Check, Finding, Verdict
from harness.recording.schema.where import Divergence, Where

__all__ = [
    "Breakdown",
    "Check",
    "CheckWord",
    "Divergence",
    "Environment",
    "Equivalence",
    "EquivalenceRow",
    "Event",
    "Figures",
    "Finding",
    "Link",
    "PlannedAdversary",
    "PlannedFault",
    "Proxy",
    "RungRun",
    "Scenario",
    "Start",
    "Step",
    "Traffic",
    "Trigger",
    "Value",
    "Verdict",
    "VerdictWord",
    "Where",
]
