"""Gathers the facts of a run, and its reference, for the judge."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.engine.testbed import Testbed
from harness.errors import HarnessError
from harness.judging.crashes import crashes_in
from harness.judging.execution_result import ExecutionResult
from harness.judging.facts import RunFacts
from harness.oracle.compare import RunFiles
from harness.plan.other_clients import SESSION, OtherClient, other_clients_of
from harness.plan.scenario import Scenario
from harness.recording.writer import RunWriter, read_lines

__all__ = ["facts_of"]

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
    others = other_clients_of(scenario)
    return RunFacts(
        scenario=scenario,
        events=[event for event in result.events if not any(other.owns(event) for other in others)],
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
        others={other.party: _facts_of_other(other, scenario, writer, result, testbed) for other in others},
        world=result.world,
    )


def _facts_of_other(
    other: OtherClient, scenario: Scenario, writer: RunWriter, result: ExecutionResult, testbed: Testbed
) -> RunFacts:
    """Gather what is known of another client."""
    folder = testbed.references.get(other.config).wait()
    reference_steps = read_lines(folder / "reference.jsonl")
    finals = _finals(writer, other.session, len(reference_steps))
    return RunFacts(
        # What is planned happens at places that the first client or the trunk passes; this one need not have them.
        scenario=replace(
            scenario, config=other.config, other_clients=(), faults=(), adversaries=(), party_settings={}, checks=()
        ),
        events=[event for event in result.events if other.owns(event)],
        problem="",
        split_steps=_metrics(writer, other.session),
        reference_steps=reference_steps,
        split=RunFiles((writer.tensors(other.party),), finals, (writer.tensors("trunk"),)),
        reference=RunFiles((folder,), (folder / "final.safetensors",)),
        traffic=None,
    )


def _metrics(writer: RunWriter, session: str) -> list[dict[str, Any]]:
    """Read a client's metrics: the last entry of each step."""
    lines = read_lines(writer.checkpoints / session / "client" / "metrics.jsonl")
    last_of_step = {line["step"]: line for line in lines}
    return [last_of_step[step] for step in sorted(last_of_step)]


def _split_files(scenario: Scenario, writer: RunWriter, steps: int) -> RunFiles:
    client, trunk, finals = writer.tensors("client"), writer.tensors("trunk"), _finals(writer, SESSION, steps)
    if scenario.other_clients:
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
