"""Runs many mutants, and the correct system on the same scenarios."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.engine.run import run_scenario
from harness.engine.testbed import Testbed
from harness.mutants.mutant import Mutant
from harness.mutants.scorecard import line_of, scorecard
from harness.mutants.trial import try_mutant
from harness.plan.scenario import Scenario
from harness.recording.environment import commit
from harness.recording.reader import read_run
from harness.recording.schema import AlarmRecord, ScorecardRecord, TrialRecord
from harness.trace.verdict import Verdict

__all__ = ["try_all"]

Tell = Callable[[str], None]


def try_all(mutants: Sequence[Mutant], testbed: Testbed, jobs: int, tell: Tell) -> ScorecardRecord:
    """Run the correct system on the scenarios of some mutants, then the mutants, and return the scorecard.

    Args:
        mutants: the mutants.
        testbed: runs the scenarios.
        jobs: number of runs at a time.
        tell: called with a line of text when a run has ended.

    Raises:
        HarnessError: a mutant's target no longer exists.
    """
    source = commit()  # before anything in it can change
    scenarios = list({mutant.scenario.name: mutant.scenario for mutant in mutants}.values())

    def check(scenario: Scenario) -> AlarmRecord | None:
        outcome = run_scenario(scenario, testbed)
        if outcome.verdict is Verdict.PASS:
            tell(f"{'passed':7}  the correct system on {scenario.name}")
            return None
        wrong = next((c.reading for c in outcome.checks if c.verdict in (Verdict.FAIL, Verdict.VOID)), "")
        tell(f"{'ALARM':7}  the correct system on {scenario.name}: {wrong}")
        return AlarmRecord(scenario.name, read_run(outcome.folder).verdict.verdict, wrong)

    def attempt(mutant: Mutant) -> TrialRecord:
        trial = try_mutant(mutant, testbed)
        tell(line_of(trial))
        return trial

    with ThreadPoolExecutor(jobs, "trial") as pool:
        alarms = [alarm for alarm in pool.map(check, scenarios) if alarm]
        trials = list(pool.map(attempt, mutants))
    return scorecard(trials, alarms, len(scenarios), source)
