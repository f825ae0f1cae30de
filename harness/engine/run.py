"""Runs a scenario: executes it, gathers the facts, and judges."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.engine.execution import Execution
from harness.engine.failure import record_failure
from harness.engine.gathering import facts_of
from harness.engine.material import kind_of_material
from harness.engine.materials import MATERIALS, with_materials
from harness.engine.meaning import must_mean_something, must_run_for_real
from harness.engine.outcome import write_outcome
from harness.engine.quiet import machine_for
from harness.engine.testbed import Testbed
from harness.judging.checks import CHECKS
from harness.judging.execution_result import ExecutionResult
from harness.judging.judge import Judgement, judge
from harness.plan.open_type import files_of
from harness.plan.scenario import Scenario
from harness.proxy.own_toxics import files_of_own_toxics
from harness.recording.latest import point_latest
from harness.recording.plan import Plan
from harness.recording.writer import RunWriter
from harness.trace.event import Event
from harness.trace.verdict import CheckResult, Verdict

__all__ = ["RunOutcome", "run_scenario"]


@dataclass(frozen=True)
class RunOutcome:
    """A judged run; its folder has everything else.

    Attributes:
        scenario: what was run.
        folder: the run's.
        verdict: of all checks together.
        checks: results of the checks that were applied.
        world_seed: of the simulated world in which it ran; None if real programs ran.
    """

    scenario: Scenario
    folder: Path
    verdict: Verdict
    checks: tuple[CheckResult, ...]
    world_seed: int | None = None


def ignore(_what: Event | str) -> None:
    """Do nothing."""


def run_scenario(
    scenario: Scenario,
    testbed: Testbed,
    on_event: Callable[[Event], None] = ignore,
    record_steps: Iterable[int] = (),
    runs: Path | None = None,
    on_wait: Callable[[str], None] = ignore,
) -> RunOutcome:
    """Run, judge and record a scenario, as soon as other processes' runs allow it.

    Args:
        scenario: what to run.
        testbed: programs, proxy and references to run it with.
        on_event: receives every event as it arrives.
        record_steps: steps whose gradients and cut tensors are kept whole, besides the scenario's own.
        runs: folder for the run's folder, if not the testbed's.
        on_wait: called with what is waited for, if other processes' runs must end first.

    A failure of the system under test is a verdict. A failure of the harness itself, such as of a reference or a proxy,
    is one too: VOID, with its traceback in the run's folder.

    Raises:
        UnusableError: the scenario names something that does not exist, or only a simulated world can make its faults.
    """
    must_mean_something(scenario)
    if testbed.start.simulated is None:
        must_run_for_real(scenario)
    planned = replace(scenario, record_steps=tuple(sorted({*scenario.record_steps, *record_steps})))
    with machine_for(testbed.runs, alone=scenario.timed, on_wait=on_wait):
        writer = RunWriter(runs or testbed.runs, Plan(planned, testbed.start, _own_modules(planned)))
        if runs is None:
            point_latest(writer.folder)
        replay = testbed.replay(scenario, writer.folder)
        return _recorded(planned, testbed, writer, replay, on_event)


def _own_modules(scenario: Scenario) -> Mapping[str, str]:
    """Return the modules that a replay imports first: those of a user's own checks, materials and toxics."""
    checks = [CHECKS[name] for name in scenario.checks]
    named = files_of([*checks, *(MATERIALS[kind_of_material(name)] for name in scenario.materials)])
    # Which toxics its faults add is known only when they do so.
    return {**named, **(files_of_own_toxics() if scenario.faults else {})}


def _recorded(
    scenario: Scenario, testbed: Testbed, writer: RunWriter, replay: str, on_event: Callable[[Event], None]
) -> RunOutcome:
    try:
        patient = replace(scenario, recovery_bound=scenario.recovery_bound + testbed.start_seconds)
        made = with_materials(patient, testbed.materials)
        judgement = _judged(made, testbed, writer, replay, on_event)
    except Exception as error:  # noqa: BLE001 - whatever it is, the remaining runs must still take place
        judgement = record_failure(error, scenario, writer, replay)
    finally:
        writer.close()
    return RunOutcome(scenario, writer.folder, judgement.verdict, judgement.checks, testbed.start.simulated)


def _judged(
    scenario: Scenario, testbed: Testbed, writer: RunWriter, replay: str, on_event: Callable[[Event], None]
) -> Judgement:
    reference = testbed.references.get(scenario.config, scenario.record_steps, timed=scenario.timed)
    for config in scenario.other_clients:
        testbed.references.get(config)
    if scenario.timed:
        reference.wait()
    result = _executed(scenario, testbed, writer, on_event)
    facts = facts_of(scenario, writer, result, testbed)
    judgement = judge(facts)
    write_outcome(facts, judgement, writer, testbed.proxy_of(scenario), replay)
    return judgement


def _executed(
    scenario: Scenario, testbed: Testbed, writer: RunWriter, on_event: Callable[[Event], None]
) -> ExecutionResult:
    if testbed.execute:
        return testbed.execute(scenario, writer, on_event)
    return Execution(scenario, testbed, writer, on_event).run()
