"""The whole of scenario.json: the scenario that was run, and how its programs were started."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import ScenarioError, UnusableError
from harness.plan.scenario import Scenario
from harness.plan.scenario_json import scenario_from_json, scenario_json
from harness.recording.adapters import adapter_of
from harness.recording.schema.start import Start

__all__ = ["Plan", "read_plan"]

FILE = "scenario.json"


@dataclass(frozen=True)
class Plan:
    """Everything needed to repeat a run.

    Attributes:
        scenario: what is run.
        start: how its programs are started.
        modules: files of modules that define what the scenario only names, such as a user's own checks.
    """

    scenario: Scenario
    start: Start
    modules: Mapping[str, str] = field(default_factory=dict, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return the contents of scenario.json."""
        return {**scenario_json(self.scenario, self.modules), "start": asdict(self.start)}


def read_plan(path: Path) -> Plan:
    """Read what a run's folder, or a scenario file, says to run; how to start programs may be left out of a file.

    Raises:
        UnusableError: there is none, or none that can be run; the message says what to do.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise UnusableError(f"there is no {file}; give the folder of a run, or a file like its {FILE}")
    try:
        values = _json_of(file)
        if not isinstance(values, Mapping):
            raise UnusableError(f"{file}: not a scenario, which is a JSON object")
        start = adapter_of(Start).validate_python(values.get("start", {}))
        return Plan(scenario_from_json(values), start)
    except ValidationError as error:
        problem = error.errors()[0]
        raise UnusableError(f"{file}: {'.'.join(map(str, ('start', *problem['loc'])))}: {problem['msg']}") from None
    except ScenarioError as error:
        raise ScenarioError(f"{file}: {error}") from None


def _json_of(file: Path) -> object:
    try:
        return json.loads(file.read_text())
    except (ValueError, RecursionError) as error:  # no JSON, no text, a number or a nesting beyond all bounds
        raise UnusableError(f"{file}: not JSON ({error}); write it again") from None
