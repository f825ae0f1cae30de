"""Replays a case of the simulated world, as `harness explore` writes it."""

import argparse
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from harness.commands.recording_flags import RUNS
from harness.commands.showing_cases import show_case
from harness.errors import UnusableError
from harness.judging.agreement import shown
from harness.output import people_read, write_json
from harness.plan.scenario import Scenario
from harness.sim.case import KEY, Case, read_case
from harness.sim.outcome import Outcome
from harness.trace.verdict import Verdict

__all__ = ["case_in", "must_leave_case_as_it_is", "replay_case"]


def case_in(path: Path) -> Case | None:
    """Return the case that a file describes; None if the file is of another kind, or there is none.

    Raises:
        UnusableError: it is of that kind and cannot be run; the message says what to change.
        ScenarioError: likewise.
    """
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text())
    except (ValueError, RecursionError):
        return None
    return read_case(values) if isinstance(values, dict) and KEY in values else None


def must_leave_case_as_it_is(file: Path, flags: argparse.Namespace) -> None:
    """Raise `UnusableError` for flags that contradict a case, which says how it is simulated and is not recorded.

    Args:
        file: the case's.
        flags: of `harness run` or `harness replay`.
    """
    recording = {"--report": flags.report, "--junit": flags.junit, "--runs": flags.runs != RUNS, "--keep": flags.keep}
    others = {
        "--seed": flags.seed is not None,
        "--rung": flags.rung,
        "--proxy": flags.proxy != "auto",
        "--cold": flags.cold,
        "--record-steps": flags.record_steps,
    }
    unrecorded = _given(recording)
    if unrecorded:
        raise UnusableError(f"a case of the simulated world is not recorded: leave {unrecorded} out")
    contradicting = _given(others)
    if contradicting:
        raise UnusableError(
            f"{file} says by itself how it is simulated: leave {contradicting} out, and edit {KEY!r} in the file; or "
            f"run it with real programs: harness replay {file} --real"
        )


def _given(flags: Mapping[str, object]) -> str:
    return " and ".join(name for name, given in flags.items() if given)


def replay_case(case: Case, result: Path | None) -> int:
    """Run a case, show how it ends, and return the verdict's exit status.

    Args:
        case: to be run.
        result: where verdict and violation are written as JSON, if anywhere.
    """
    say = partial(print, file=people_read(result), flush=True)
    outcome = show_case(case, None, say)
    verdict = _verdict(case.scenario, outcome)
    say(f"verdict: {verdict.value}")
    violation = outcome.violation
    told = {
        "verdict": verdict.value,
        "faults that showed": shown(case.scenario.faults, outcome.events),
        "invariant": violation.invariant if violation else None,
        "message": violation.message if violation else None,
        "virtual_seconds": outcome.seconds,
    }
    write_json(result, json.dumps(told, indent=2) + "\n")
    return verdict.exit_status


def _verdict(scenario: Scenario, outcome: Outcome) -> Verdict:
    if outcome.violation:
        return Verdict.FAIL
    nothing_happened = scenario.faults and not shown(scenario.faults, outcome.events)
    return Verdict.VOID if nothing_happened else Verdict.PASS
