"""The folder of one run: everything that judge and report read, written while it runs."""

import json
import math
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.plan.scenario import Scenario
from harness.recording.adapters import adapter_of
from harness.recording.environment import commit, machine, versions
from harness.recording.plan import Plan
from harness.recording.schema import EnvironmentRecord, EquivalenceRecord, ProxyRecord, TrafficRecord, VerdictRecord
from harness.trace.event import Event

__all__ = ["RunWriter", "json_text", "read_lines", "write_record"]

Json = Mapping[str, Any]
Record = EnvironmentRecord | EquivalenceRecord | TrafficRecord | VerdictRecord
FILES: Mapping[type[Record], str] = {
    EnvironmentRecord: "environment.json",
    EquivalenceRecord: "equivalence.json",
    TrafficRecord: "bytes.json",
    VerdictRecord: "verdict.json",
}


class RunWriter:
    """Writes a run's folder.

    Args:
        runs: folder of all runs.
        plan: what is run, and how.
    """

    def __init__(self, runs: Path, plan: Plan) -> None:
        self.started = datetime.now(UTC)
        self.folder = _fresh_folder(runs, f"{self.started:%Y%m%d-%H%M%S}-{plan.scenario.name}")
        (self.folder / "logs").mkdir()
        self._trace = (self.folder / "trace.jsonl").open("w", buffering=1)
        self._lock = threading.Lock()
        (self.folder / "scenario.json").write_text(json_text(plan.as_json()))

    @property
    def logs(self) -> Path:
        """Where the programs' output goes."""
        return self.folder / "logs"

    @property
    def checkpoints(self) -> Path:
        """Where both parties save."""
        return self.folder / "checkpoints"

    def tensors(self, party: str) -> Path:
        """Folder of a party's tensor log."""
        return self.folder / "tensors" / party

    def event(self, event: Event) -> None:
        """Append to the trace."""
        with self._lock:
            if not self._trace.closed:
                self._trace.write(json.dumps(event.as_json()) + "\n")

    def write(self, record: Record) -> None:
        """Write a record to its kind's file."""
        write_record(self.folder, record)

    def write_lines(self, name: str, lines: Iterable[Json]) -> None:
        """Write a file with one JSON object per line."""
        (self.folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))

    def write_environment(self, scenario: Scenario, proxy: ProxyRecord | None) -> None:
        """Write the environment of the run."""
        config = scenario.config
        self.write(EnvironmentRecord(versions(), machine(), config.threads, proxy, config.seed, commit()))

    def close(self) -> None:
        """Close the trace."""
        with self._lock:
            self._trace.close()


def write_record(folder: Path, record: Record) -> None:
    """Write a record to its kind's file in a run's folder."""
    values = adapter_of(type(record)).dump_python(record, mode="json")
    (folder / FILES[type(record)]).write_text(json_text(values))


def json_text(values: Json) -> str:
    """Return a JSON object as text; NaN and the infinities, which JSON lacks, become words."""
    return json.dumps(_with_words(values), indent=2, allow_nan=False) + "\n"


def _with_words(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _with_words(entry) for name, entry in value.items()}
    return [_with_words(entry) for entry in value] if isinstance(value, list | tuple) else value


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file with one JSON object per line; empty if there is none; without a truncated last line."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines[:-1]]
    with suppress(json.JSONDecodeError):
        found += [json.loads(line) for line in lines[-1:]]
    return found


def _fresh_folder(runs: Path, name: str) -> Path:
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        folder = runs / (name + suffix)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError(f"{runs} has 999 runs of one second")
