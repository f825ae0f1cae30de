"""The records in a run's folder, and of measurements of the harness itself: one frozen dataclass per kind.

pydantic turns them into JSON and back (`writer.py`, `reader.py`). Fields with defaults may be absent from the files. A
file or line, and the recorded form of a value that lives in a run, is named `…Record`.
"""

from harness.recording.schema.ablations import AblationRecord, AblationsRecord
from harness.recording.schema.bench import BenchRecord, IntervalRecord, MeasurementRecord
from harness.recording.schema.environment import EnvironmentRecord, ProxyRecord
from harness.recording.schema.equivalence import EquivalenceRecord, RowRecord, RungRun
from harness.recording.schema.event import EventRecord
from harness.recording.schema.scenario import LinkRecord, PlannedAdversary, PlannedFault, ScenarioRecord, Trigger
from harness.recording.schema.scorecard import AlarmRecord, ScorecardRecord, TrialRecord
from harness.recording.schema.start import Start
from harness.recording.schema.step import Breakdown, StepRecord
from harness.recording.schema.traffic import TrafficRecord
from harness.recording.schema.values import CheckWord, Figures, Value, VerdictWord
from harness.recording.schema.verdict import CheckRecord, FindingRecord, VerdictRecord
from harness.recording.schema.where import DivergenceRecord, Where

__all__ = [
    "AblationRecord",
    "AblationsRecord",
    "AlarmRecord",
    "BenchRecord",
    "Breakdown",
    "CheckRecord",
    "CheckWord",
    "DivergenceRecord",
    "EnvironmentRecord",
    "EquivalenceRecord",
    "EventRecord",
    "Figures",
    "FindingRecord",
    "IntervalRecord",
    "LinkRecord",
    "MeasurementRecord",
    "PlannedAdversary",
    "PlannedFault",
    "ProxyRecord",
    "RowRecord",
    "RungRun",
    "ScenarioRecord",
    "ScorecardRecord",
    "Start",
    "StepRecord",
    "TrafficRecord",
    "TrialRecord",
    "Trigger",
    "Value",
    "VerdictRecord",
    "VerdictWord",
    "Where",
]
