"""Many scenarios in simulated worlds, in several processes: what passes leaves no folder behind."""

import json
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch

from harness.commands.sharing import shared
from harness.commands.simulated import in_simulation, simulate
from harness.engine.ladder import locate
from harness.engine.materials import with_materials
from harness.engine.run import RunOutcome, run_scenario
from harness.engine.scratch import scratch_folder
from harness.engine.testbed import Testbed, open_bare_testbed
from harness.oracle.compare import RunFiles
from harness.plan.scenario import Scenario
from harness.plan.scenario_json import scenario_json
from harness.plan.selection import is_in_catalogue
from harness.recording.adapters import adapter_of
from harness.recording.judgement import recorded_verdict
from harness.recording.reader import RunFolder, read_run
from harness.recording.schema import EnvironmentRecord, ScenarioRecord
from harness.recording.writer import read_lines
from harness.sim.judging import Undisturbed, can_be_judged_by_digests, judged_by_digests
from harness.sim.parts import load_parts
from harness.sim.simulation import Simulation, quiet, undisturbed
from harness.trace.verdict import Verdict

__all__ = ["NOT_KEPT", "jobs_for", "run_many"]

# The path of a run that has left no folder.
NOT_KEPT = Path()


@dataclass(frozen=True)
class Share:
    """What one process runs.

    Attributes:
        scenarios: to be run.
        runs: folder for the folders of runs that are kept.
        flags: of `harness run` that replay a run in the same way.
        keep: whether runs that pass are kept, too.
    """

    scenarios: Sequence[Scenario]
    runs: Path
    flags: tuple[str, ...]
    keep: bool


def run_many(
    scenarios: Sequence[Scenario], jobs: int, runs: Path, flags: tuple[str, ...], *, keep: bool
) -> Generator[RunFolder, None, None]:
    """Run scenarios in processes; yield the runs as they end, in any order.

    Args:
        scenarios: to be run, each with the seed of its own.
        jobs: number of processes; with 1, this one runs everything.
        runs: folder for the folders of runs that are kept: those that do not pass, or all.
        flags: of `harness run` that replay a run in the same way.
        keep: whether to keep all.
    """
    if jobs == 1:
        yield from run_share(Share(scenarios, runs, flags, keep))
        return
    # Those of the same settings together: they share a reference and an undisturbed run.
    alike = sorted(scenarios, key=_settings)
    bounds = [round(number * len(alike) / jobs) for number in range(jobs + 1)]
    shares = [alike[start:end] for start, end in pairwise(bounds) if start < end]
    yield from shared(run_share, [Share(share, runs, flags, keep) for share in shares])


def jobs_for(scenarios: Sequence[Scenario], jobs: int) -> int:
    """Return how many processes to use; 0 means one a core."""
    # A user's own modules are imported in this process alone.
    if not all(map(is_in_catalogue, scenarios)):
        return 1
    return min(jobs or len(os.sched_getaffinity(0)), len(scenarios))


def run_share(share: Share) -> Iterator[RunFolder]:
    """Run the scenarios of one process."""
    torch.set_num_threads(1)
    with (
        open_bare_testbed(share.runs, flags=share.flags) as testbed,
        scratch_folder("runs") as scratch,
    ):
        runner = _Runner(testbed, scratch, keep=share.keep)
        for scenario in share.scenarios:
            yield runner.run(scenario)


@dataclass
class _Runner:
    testbed: Testbed
    scratch: Path
    keep: bool
    _known: dict[str, Undisturbed | None] = field(default_factory=dict)

    def run(self, scenario: Scenario) -> RunFolder:
        """Run a scenario, and run it again to keep its folder if it does not pass."""
        if self.keep:
            return self._kept(scenario)
        found = self._judged(scenario)
        if found.verdict.verdict == Verdict.PASS.value:
            return found
        kept = self._kept(scenario)
        # The two ways to judge a run must agree; if they do not, it has not passed.
        return found if kept.verdict.verdict == Verdict.PASS.value else kept

    def _kept(self, scenario: Scenario) -> RunFolder:
        outcome = run_scenario(scenario, in_simulation(self.testbed, scenario))
        if outcome.verdict is Verdict.FAIL:
            locate(outcome, self.testbed, partial(simulate, self.testbed))
        return read_run(outcome.folder)

    def _judged(self, scenario: Scenario) -> RunFolder:
        """Return a run that leaves nothing behind."""
        started = datetime.now(UTC)
        known = self._undisturbed(scenario) if can_be_judged_by_digests(scenario) else None
        if known is None:
            outcome = self._run_aside(scenario)
            return replace(read_run(outcome.folder), path=NOT_KEPT)
        made = with_materials(scenario, self.testbed.materials)
        judgement = judged_by_digests(made, known, scenario.config.seed)
        replay = in_simulation(self.testbed, scenario).replay(scenario, NOT_KEPT)
        return RunFolder(
            NOT_KEPT,
            adapter_of(ScenarioRecord).validate_python(scenario_json(scenario)),
            recorded_verdict(scenario, started, judgement.verdict, judgement.checks, replay),
            EnvironmentRecord(),
        )

    def _undisturbed(self, scenario: Scenario) -> Undisturbed | None:
        """Return the run without faults, once for all scenarios of the same settings; None if it is not as it must be.

        One such run is judged by its folder, in every bit; another one, of which the digests are kept, is the same run:
        its trace with all bytes that crossed the network has the same hash.
        """
        key = _settings(scenario)
        if key not in self._known:
            plain = replace(undisturbed(scenario), checks=("equivalence",), expects=())
            judged = self._run_aside(plain)
            made = with_materials(plain, self.testbed.materials)
            with quiet():
                outcome = Simulation(made, load_parts, made.config.seed).run()
            (told,) = (check.figures.get("trace hash") for check in judged.checks if check.name == "invariants")
            same = judged.verdict is Verdict.PASS and told == outcome.trace_hash
            folder = self.testbed.references.get(made.config, made.record_steps).wait()
            files = RunFiles((folder,), (folder / "final.safetensors",))
            steps = read_lines(folder / "reference.jsonl")
            self._known[key] = Undisturbed(outcome, files, steps) if same else None
        return self._known[key]

    def _run_aside(self, scenario: Scenario) -> RunOutcome:
        return run_scenario(scenario, in_simulation(self.testbed, scenario), runs=self.scratch)


def _settings(scenario: Scenario) -> str:
    """Return what an undisturbed run depends on, as a key."""
    plain = replace(undisturbed(scenario), name="a", title="", checks=("equivalence",), expects=())
    return json.dumps(scenario_json(plain), sort_keys=True)
