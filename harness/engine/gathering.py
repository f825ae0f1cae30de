"""Gathers the facts of a run, and its reference, for the judge."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.engine.programs import SECOND_CLIENT, SECOND_SESSION, SESSION
from harness.engine.references import Reference
from harness.engine.testbed import Testbed
from harness.errors import HarnessError
from harness.judging.crashes import crashes_in
from harness.judging.execution_result import ExecutionResult
from harness.judging.facts import RunFacts
from harness.oracle.compare import RunFiles
from harness.plan.scenario import Scenario
from harness.recording.writer import RunWriter, read_lines
from harness.trace.event import Event

__all__ = ["facts_of", "second_reference"]

EXPORT_TIMEOUT = 60.0


def facts_of(scenario: Scenario, writer: RunWriter, result: ExecutionResult, testbed: Testbed) -> RunFacts:
    """Return the facts of a run, once its reference is done too."""
    folder = testbed.references.get(scenario.config, scenario.record_steps, timed=scenario.timed).wait()
    problem, exported = result.problem, None
    if "export" in scenario.checks and not problem:
        try:
            exported = _exported(writer, testbed)
        except HarnessError as error:
            problem = str(error)
    reference_steps = read_lines(folder / "reference.jsonl")
    return RunFacts(
        scenario=scenario,
        events=[event for event in result.events if not _is_of_second(event)],
        problem=problem,
        split_steps=_metrics(writer, SESSION),
        reference_steps=reference_steps,
        split=_split_files(scenario, writer, len(reference_steps)),
        reference=RunFiles((folder,), (folder / "final.safetensors",)),
        traffic=result.traffic,
        memory=result.memory,
        crashes=crashes_in(writer.logs),
        halves=_halves(writer, SESSION),
        exported=exported,
        second=_second_facts(scenario, writer, result, testbed) if scenario.second_client else None,
        world=result.world,
    )


def _is_of_second(event: Event) -> bool:
    """Return whether an event is of the other client, or one of the trunk's in that client's session."""
    return event.party == SECOND_CLIENT or event.fields.get("session") == SECOND_SESSION


def _second_facts(scenario: Scenario, writer: RunWriter, result: ExecutionResult, testbed: Testbed) -> RunFacts:
    """Gather what is known of the other client."""
    assert scenario.second_client is not None
    config = scenario.second_client
    folder = second_reference(scenario, testbed).wait()
    reference_steps = read_lines(folder / "reference.jsonl")
    finals = _finals(writer, SECOND_SESSION, len(reference_steps))
    return RunFacts(
        scenario=replace(scenario, config=config, second_client=None, checks=()),
        events=[event for event in result.events if _is_of_second(event)],
        problem="",
        split_steps=_metrics(writer, SECOND_SESSION),
        reference_steps=reference_steps,
        split=RunFiles((writer.tensors(SECOND_CLIENT),), finals, (writer.tensors("trunk"),)),
        reference=RunFiles((folder,), (folder / "final.safetensors",)),
        traffic=None,
    )


def second_reference(scenario: Scenario, testbed: Testbed) -> Reference:
    """Return the other client's reference; start it if necessary."""
    assert scenario.second_client is not None
    return testbed.references.get(scenario.second_client)


def _metrics(writer: RunWriter, session: str) -> list[dict[str, Any]]:
    """Read a client's metrics: the last entry of each step."""
    lines = read_lines(writer.checkpoints / session / "client" / "metrics.jsonl")
    last_of_step = {line["step"]: line for line in lines}
    return [last_of_step[step] for step in sorted(last_of_step)]


def _split_files(scenario: Scenario, writer: RunWriter, steps: int) -> RunFiles:
    client, trunk, finals = writer.tensors("client"), writer.tensors("trunk"), _finals(writer, SESSION, steps)
    if scenario.second_client:
        return RunFiles((client,), finals, (trunk,))
    return RunFiles((client,) if scenario.topology == "local" else (client, trunk), finals)


def _halves(writer: RunWriter, session: str) -> dict[str, int]:
    """Count the checkpoint halves that each side has kept; those set aside are in other folders."""
    sides = {side: writer.checkpoints / session / side for side in ("client", "trunk")}
    return {side: len(list(folder.glob("step-*.safetensors"))) for side, folder in sides.items()}


def _finals(writer: RunWriter, session: str, steps: int) -> tuple[Path, ...]:
    """Return the paths of both halves of the last step's checkpoint."""
    last = f"step-{steps:08}.safetensors"
    return tuple(writer.checkpoints / session / party / last for party in ("client", "trunk"))


def _exported(writer: RunWriter, testbed: Testbed) -> Path:
    """Export the session's newest checkpoint; raises `HarnessError` with the end of the log."""
    folder, log = writer.checkpoints / "export", writer.logs / "export.log"
    argv = ["export", "--out", str(folder), "--config", str(writer.folder / "client.json")]
    program = testbed.starter.start("export", "splitlearn", argv, log)
    status = program.wait(EXPORT_TIMEOUT)
    if status:
        raise HarnessError(f"the export ended with status {status}; its log ends:\n{program.last_lines()}")
    return folder
