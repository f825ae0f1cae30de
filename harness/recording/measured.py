"""What was measured apart from runs: scorecard of the judge, ablations and benchmarks, each one file of a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from harness.errors import UnusableError
from harness.recording.adapters import adapter_of
from harness.recording.schema import AblationsRecord, BenchRecord, ScorecardRecord
from harness.recording.writer import json_text

__all__ = ["BASELINES", "Measured", "measured_text", "read_measured", "read_record"]

# Where the committed ones are.
BASELINES = Path("reports/baselines")
SCORECARD, ABLATIONS, BENCH = "mutants.json", "ablations.json", "bench.json"

Record = TypeVar("Record", AblationsRecord, BenchRecord, ScorecardRecord)
# What measures each.
COMMANDS: Mapping[type, str] = {
    AblationsRecord: "harness ablations",
    BenchRecord: "harness bench",
    ScorecardRecord: "harness mutants",
}


@dataclass(frozen=True)
class Measured:
    """What was measured; None stands for what was not."""

    scorecard: ScorecardRecord | None = None
    ablations: AblationsRecord | None = None
    bench: BenchRecord | None = None

    @property
    def missing(self) -> Mapping[str, str]:
        """What was not measured, and the command that does it."""
        return {
            **({} if self.scorecard else {"Planted bugs": f"harness mutants --json {BASELINES / SCORECARD}"}),
            **({} if self.ablations else {"Ablations": f"harness ablations --json {BASELINES / ABLATIONS}"}),
            **({} if self.bench else {"Benchmarks": f"harness bench --json {BASELINES / BENCH}"}),
        }


def read_measured(folder: Path = BASELINES) -> Measured:
    """Read what a folder has; raises `UnusableError` if a file is damaged."""
    return Measured(
        read_record(folder / SCORECARD, ScorecardRecord),
        read_record(folder / ABLATIONS, AblationsRecord),
        read_record(folder / BENCH, BenchRecord),
    )


def measured_text(record: AblationsRecord | BenchRecord | ScorecardRecord) -> str:
    """Return a record as the text of its file."""
    return json_text(adapter_of(type(record)).dump_python(record, mode="json"))


def read_record(file: Path, kind: type[Record]) -> Record | None:
    """Read a record; return None if there is no such file; raises `UnusableError` if it is damaged."""
    if not file.exists():
        return None
    try:
        return adapter_of(kind).validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        told = f"{where}: {first['msg']}" if where else first["msg"]
        raise UnusableError(f"{file}: {told}; `{COMMANDS[kind]} --json {file}` measures it again") from None
