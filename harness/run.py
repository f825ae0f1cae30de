"""Runs a scenario: executes it, gathers what is known of it, and judges."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.attempt import SESSION, Attempt, AttemptResult
from harness.checks.liveness import recovery_seconds
from harness.events import Event
from harness.facts import RunFacts
from harness.judge import judge
from harness.oracle.compare import RunFiles
from harness.record import RunRecord, read_lines
from harness.references import Reference
from harness.scenario import Scenario
from harness.verdict import CheckResult, Verdict
from harness.workshop import Workshop

__all__ = ["RunOutcome", "run_scenario"]


@dataclass(frozen=True)
class RunOutcome:
    """A judged run; its folder has everything else.

    Attributes:
        scenario: what was run.
        folder: of the run.
        verdict: of all checks.
        checks: that were applied.
        recoveries: seconds from each fault's healing to the client's next progress.
    """

    scenario: Scenario
    folder: Path
    verdict: Verdict
    checks: tuple[CheckResult, ...]
    recoveries: tuple[float, ...] = ()


def ignore(_event: Event) -> None:
    """Do nothing with an event."""


def run_scenario(
    scenario: Scenario,
    workshop: Workshop,
    on_event: Callable[[Event], None] = ignore,
    whole_steps: Iterable[int] = (),
) -> RunOutcome:
    """Run, judge and record a scenario.

    Args:
        scenario: what to run.
        workshop: what to run it with.
        on_event: told of every event as it comes.
        whole_steps: steps whose gradients and cut tensors are kept whole, beside the scenario's own.

    Raises:
        HarnessError: the reference or the proxy failed; a failure of the system under test is a verdict, not an error.
    """
    scenario = replace(
        scenario,
        whole_steps=tuple(sorted({*scenario.whole_steps, *whole_steps})),
        recovery_bound=scenario.recovery_bound + workshop.start_seconds,
    )
    record = RunRecord(workshop.runs, scenario)
    reference = workshop.references.get(scenario.config, scenario.whole_steps)
    if scenario.timed:
        reference.wait(scenario.timeout)
    result = Attempt(scenario, workshop, record, on_event).run()
    facts = _facts(scenario, record, result, reference)
    verdict, checks = judge(facts, record, workshop)
    return RunOutcome(scenario, record.folder, verdict, checks, tuple(recovery_seconds(facts.events)))


def _facts(scenario: Scenario, record: RunRecord, result: AttemptResult, reference: Reference) -> RunFacts:
    folder = reference.wait(scenario.timeout)
    metrics = read_lines(record.checkpoints / SESSION / "client" / "metrics.jsonl")
    last_of_step = {line["step"]: line for line in metrics}
    halves = [
        sorted((record.checkpoints / SESSION / party).glob("step-*.safetensors")) for party in ("client", "trunk")
    ]
    finals = tuple(half[-1] if half else record.checkpoints / SESSION / "step-missing" for half in halves)
    parties = ("client",) if scenario.topology == "local" else ("client", "trunk")
    return RunFacts(
        scenario=scenario,
        events=result.events,
        problem=result.problem,
        split_steps=[last_of_step[step] for step in sorted(last_of_step)],
        reference_steps=read_lines(folder / "reference.jsonl"),
        split=RunFiles(tuple(record.recorder(party) for party in parties), finals),
        reference=RunFiles((folder,), (folder / "final.safetensors",)),
        traffic=result.traffic,
        memory=result.memory,
    )
