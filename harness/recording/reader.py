"""The one reader of run folders: everything that a run left behind, as a `RunFolder`.

Only `scenario.json` and `verdict.json` are required. Every other file may be missing, because the report of a run
that was stopped by a fault matters most; what is missing is listed in `RunFolder.missing` and shown.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.plan.scenario_json import SCHEMA
from harness.recording.adapters import adapter_of
from harness.recording.schema import (
    EnvironmentRecord,
    EquivalenceRecord,
    EventRecord,
    ScenarioRecord,
    StepRecord,
    TrafficRecord,
    VerdictRecord,
)

__all__ = ["Log", "Missing", "RunFolder", "RunFolderError", "find_runs", "read_equivalence", "read_run", "read_verdict"]

TAIL_LINES = 40

Record = TypeVar("Record")
Default = TypeVar("Default")


class RunFolderError(Exception):
    """A folder cannot be read as a run; the message says why and what to do."""


@dataclass(frozen=True)
class Missing:
    """Something that the run should have left behind but did not, and what the report lacks without it."""

    file: str
    lacks: str


@dataclass(frozen=True)
class Log:
    """A log file's name, its length and its last lines."""

    name: str
    lines: int
    tail: str


@dataclass(frozen=True)
class RunFolder:
    """Everything a run left behind."""

    path: Path
    scenario: ScenarioRecord
    verdict: VerdictRecord
    environment: EnvironmentRecord
    split: tuple[StepRecord, ...] = ()
    reference: tuple[StepRecord, ...] = ()
    trace: tuple[EventRecord, ...] = ()
    equivalence: EquivalenceRecord | None = None
    traffic: TrafficRecord | None = None
    logs: tuple[Log, ...] = ()
    missing: tuple[Missing, ...] = ()


def find_runs(folder: Path) -> list[Path]:
    """Return the run folders at or below `folder`, the last judged at the end.

    A symbolic link below it, as `latest` is, is not followed: what it points at is found by its own name.
    Runs inside another's folder, such as the rungs that explain it, belong to that one.
    """
    if folder.is_symlink():
        folder = folder.resolve()
    judged = sorted(folder.rglob("verdict.json"), key=_age_then_name)
    found = {verdict.parent for verdict in judged}
    return [verdict.parent for verdict in judged if found.isdisjoint(verdict.parent.parents)]


def _age_then_name(file: Path) -> tuple[int, str]:
    return file.stat().st_mtime_ns, str(file)


def read_run(path: Path) -> RunFolder:
    """Read the run folder at `path`.

    Raises:
        RunFolderError: there is no run at `path`, or one of its files is damaged.
    """
    for needed in ("scenario.json", "verdict.json"):
        if not (path / needed).is_file():
            raise RunFolderError(
                f"{path} is not the folder of a finished run: it has no {needed}. "
                "Give a folder that `harness run` wrote (they lie under reports/runs), or run the scenario again."
            )
    reader = _Reader(path)
    scenario = reader.one("scenario.json", ScenarioRecord)
    if scenario.schema > SCHEMA:
        raise RunFolderError(
            f"{path / 'scenario.json'}: schema {scenario.schema} is newer than {SCHEMA}, the newest known here; read "
            "it with the version that wrote it"
        )
    return RunFolder(
        path=path,
        scenario=scenario,
        verdict=reader.one("verdict.json", VerdictRecord),
        environment=reader.optional(
            "environment.json", EnvironmentRecord, EnvironmentRecord(), lacks="versions, machine and proxy"
        ),
        split=reader.many("split.jsonl", StepRecord, lacks="losses and step times of the split run"),
        reference=reader.many("reference.jsonl", StepRecord, lacks="losses of the reference"),
        trace=tuple(
            sorted(reader.many("trace.jsonl", EventRecord, lacks="events and fired faults"), key=lambda event: event.t)
        ),
        equivalence=reader.optional("equivalence.json", EquivalenceRecord, None, lacks="the comparison of tensors"),
        traffic=reader.optional("bytes.json", TrafficRecord, None, lacks="the bytes that crossed the network"),
        logs=tuple(_read_log(log) for log in sorted((path / "logs").glob("*.log"))),
        missing=tuple(reader.missing),
    )


def read_equivalence(path: Path) -> EquivalenceRecord | None:
    """Read a run's comparison with its reference; None if nothing was compared."""
    return _Reader(path).optional("equivalence.json", EquivalenceRecord, None, lacks="the comparison of tensors")


def read_verdict(path: Path) -> VerdictRecord:
    """Read a run's verdict; raises `RunFolderError` if it is damaged."""
    return _Reader(path).one("verdict.json", VerdictRecord)


class _Reader:
    """Reads records from one folder and notes what is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missing: list[Missing] = []

    def one(self, name: str, kind: type[Record]) -> Record:
        """Read a file that holds one record."""
        file = self.folder / name
        return _record(adapter_of(kind), _text(file), str(file))

    def optional(self, name: str, kind: type[Record], otherwise: Default, *, lacks: str) -> Record | Default:
        """Read a file that holds one record; return `otherwise` if there is no such file."""
        if not (self.folder / name).is_file():
            self.missing.append(Missing(name, lacks))
            return otherwise
        return self.one(name, kind)

    def many(self, name: str, kind: type[Record], *, lacks: str) -> tuple[Record, ...]:
        """Read a file with one record per line; a last line cut short by a crash is left out."""
        file = self.folder / name
        if not file.is_file():
            self.missing.append(Missing(name, lacks))
            return ()
        text = _text(file)
        lines = text.splitlines()
        if lines and not text.endswith("\n") and not _is_json(lines[-1]):
            self.missing.append(Missing(f"{name}, line {len(lines)}", "the last record, which was cut short"))
            lines.pop()
        numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
        adapter = adapter_of(kind)
        return tuple(_record(adapter, line, f"{file}, line {number}") for number, line in numbered)


def _text(file: Path) -> str:
    # A truncated record may end inside a character.
    return file.read_text(encoding="utf-8", errors="replace")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _record(adapter: TypeAdapter[Record], text: str, where: str) -> Record:
    try:
        return adapter.validate_python(json.loads(text))
    except json.JSONDecodeError as error:
        raise RunFolderError(f"{where}: not JSON ({error}). The run is damaged; run the scenario again.") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the record"
        raise RunFolderError(
            f"{where}: {field}: {first['msg']}. The run is damaged or was written by another version; run it again."
        ) from None


def _read_log(file: Path) -> Log:
    lines = _text(file).splitlines()
    return Log(file.name, len(lines), "\n".join(lines[-TAIL_LINES:]))
