"""Runs the scenarios of `harness run` one after another, and prints the result of each."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial

from harness.commands import github
from harness.commands.junit import write_junit
from harness.commands.progress import RunProgress
from harness.commands.simulated import in_simulation, not_simulated, simulate
from harness.commands.simulated_many import jobs_for, run_many
from harness.commands.telling import details, json_of, line
from harness.engine.ladder import locate
from harness.engine.meaning import must_mean_something, must_run_for_real
from harness.engine.run import run_scenario
from harness.engine.testbed import Testbed, open_bare_testbed, open_testbed
from harness.output import people_read, write_json
from harness.plan.rungs import on_rung
from harness.plan.scenario import Scenario
from harness.proxy.server_process import find_backend
from harness.recording.reader import RunFolder, read_run
from harness.recording.writer import json_text
from harness.report.reading import worst_verdict
from harness.report.wording import plural
from harness.trace.verdict import Verdict, worst

__all__ = ["run_all"]


def run_all(scenarios: Sequence[Scenario], flags: argparse.Namespace) -> int:
    """Run scenarios, print each result, write what was asked for; return the worst verdict's exit status."""
    if flags.rung:
        scenarios = [on_rung(scenario, flags.rung) for scenario in scenarios]
    for scenario in scenarios:
        must_mean_something(scenario)
        if not flags.sim:
            must_run_for_real(scenario)
    say = partial(print, file=people_read(flags.json), flush=True)
    left_out = not_simulated(scenarios, {*flags.names}) if flags.sim else {}
    scenarios = [scenario for scenario in scenarios if scenario.name not in left_out]
    _tell_left_out(left_out, say)
    network, results = _results(scenarios, flags)
    width = max(len(scenario.name) for scenario in scenarios)
    runs: list[RunFolder] = []
    started = time.monotonic()
    try:
        with closing(results):
            for run in results:
                runs.append(run)
                say("\n".join((line(run, width), *details(run))))
    finally:
        # Hours of results must not be lost, whatever ends the remaining runs.
        if runs:
            done = {run.scenario.name for run in runs}
            left = [scenario.name for scenario in scenarios if scenario.name not in done]
            verdict = worst((Verdict(worst_verdict(runs)), *([Verdict.VOID] if left else [])))
            told = {"verdict": verdict.value, "proxy": network, "runs": list(map(json_of, runs)), "left": left}
            write_json(flags.json, json_text({**told, **({"not_simulated": left_out} if flags.sim else {})}))
            if flags.junit:
                write_junit(runs, flags.junit)
            github.tell(runs, say)
    if flags.sim:
        say(_compared(runs, time.monotonic() - started))
    if flags.report:
        from harness.report.page import write_page  # noqa: PLC0415 - drawing is slow to import and often not asked for

        say(f"report: {write_page(runs, flags.report)}")
    say(f"verdict: {verdict.value}")
    return verdict.exit_status


def _results(scenarios: Sequence[Scenario], flags: argparse.Namespace) -> tuple[str, Generator[RunFolder, None, None]]:
    """Return the kind of network between the parties, and the runs, each of which is made when it is asked for."""
    again = _replayed_flags(flags)
    if flags.sim and len(scenarios) > 1 and not flags.record_steps:
        keep, jobs = flags.keep or flags.report is not None, jobs_for(scenarios, flags.jobs)
        return "simulated", run_many(scenarios, jobs, flags.runs, again, keep=keep)
    if flags.sim:
        return "simulated", _one_by_one(scenarios, open_bare_testbed(flags.runs, flags=again), flags)
    backend = find_backend(flags.proxy)
    # One server serves all of them, with the first one's seed; whoever repeats a run by itself gets its own.
    seed = scenarios[0].config.seed if flags.seed is None else flags.seed
    opened = open_testbed(flags.runs, backend, cold=flags.cold, seed=seed, flags=again)
    return backend.kind, _one_by_one(scenarios, opened, flags)


def _one_by_one(
    scenarios: Sequence[Scenario], opened: AbstractContextManager[Testbed], flags: argparse.Namespace
) -> Generator[RunFolder, None, None]:
    with opened as testbed:
        for scenario in scenarios:
            yield _run_one(scenario, testbed, flags)


def _compared(runs: Sequence[RunFolder], seconds: float) -> str:
    """Return in words how much was compared in simulated worlds."""
    checks = (check for run in runs for check in run.verdict.checks if check.name == "equivalence")
    tensors = sum(check.compared or 0 for check in checks)
    compared = f"{plural(tensors, 'tensor')} compared, bit for bit"
    return f"simulated: {plural(len(runs), 'scenario')} in {seconds:.1f} s, {compared}"


def _tell_left_out(left_out: Mapping[str, str], say: Callable[[str], None]) -> None:
    for reason, count in Counter(left_out.values()).items():
        say(f"not simulated: {plural(count, 'scenario')}, for each of which holds: {reason}")


def _run_one(scenario: Scenario, testbed: Testbed, flags: argparse.Namespace) -> RunFolder:
    here = in_simulation(testbed, scenario, flags.world_seed) if flags.sim else testbed
    with closing(RunProgress(scenario)) as progress:
        outcome = run_scenario(scenario, here, progress.take, flags.record_steps, on_wait=progress.wait)
    if outcome.verdict is Verdict.FAIL:
        locate(outcome, testbed, partial(simulate, testbed), progress.wait)
    return read_run(outcome.folder)


def _replayed_flags(flags: argparse.Namespace) -> tuple[str, ...]:
    """Return the flags that make a replay the same run."""
    started = (
        *(("--proxy", flags.proxy) if flags.proxy != "auto" else ()),
        *(("--cold",) if flags.cold else ()),
    )
    return (
        *(("--sim",) if flags.sim else started),  # a simulated run starts nothing
        *(("--record-steps", *map(str, flags.record_steps)) if flags.record_steps else ()),
    )
