"""Judges the facts of a run."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.judging.checks import CHECKS
from harness.judging.diagnosis import Cause, Diagnosis, diagnose
from harness.judging.facts import RunFacts
from harness.plan.adversaries import HostilePeers, LyingTrunk
from harness.plan.scenario import Scenario
from harness.trace.verdict import CheckResult, Verdict, worst

__all__ = ["Judgement", "apply", "checks_of", "judge", "names_of", "verdict_of"]

ALWAYS = ("completion", "logs")
# Checks that judge what a scenario states elsewhere than in its list of checks, and whether it states that.
STATED: Mapping[str, Callable[[Scenario], object]] = {
    "expectations": lambda scenario: scenario.expects,
    "faults": lambda scenario: scenario.faults,
    "adversaries": lambda scenario: scenario.adversaries,
    "convergence": lambda scenario: scenario.loss_below,
    "other_clients": lambda scenario: scenario.other_clients,
    "hostility": lambda scenario: any(isinstance(each, HostilePeers) for each in scenario.adversaries),
    "lies": lambda scenario: any(isinstance(each, LyingTrunk) for each in scenario.adversaries),
}
# These look at real programs, which a simulated world does not have, and at what they leave behind.
OF_PROGRAMS = frozenset({"logs", "memory", "peak_memory", "step_time", "traffic"})
# These say that a run went as planned, not that anything it computed is right.
PREMISES = frozenset({*ALWAYS, "adversaries", "expectations", "faults"})


@dataclass(frozen=True)
class Judgement:
    """The judge's findings on a run.

    Attributes:
        verdict: of all checks together.
        checks: results of the checks that were applied.
        diagnosis: the likely cause of a failure, if a rule knows one.
    """

    verdict: Verdict
    checks: tuple[CheckResult, ...]
    diagnosis: Diagnosis | None = None

    @property
    def broken(self) -> frozenset[str]:
        """Names of the checks that failed because of their own bugs."""
        return frozenset(check.name for check in self.checks if check.traceback)


def judge(facts: RunFacts) -> Judgement:
    """Apply the scenario's checks and return the judgement."""
    checks = tuple(apply(name, facts) for name in names_of(facts))
    verdict = verdict_of(checks)
    return Judgement(verdict, checks, _diagnosis(facts, checks) if verdict is Verdict.FAIL else None)


def _diagnosis(facts: RunFacts, checks: Sequence[CheckResult]) -> Diagnosis | None:
    """Return the likely cause of a failure; a rule that raises names none, and costs nobody a verdict."""
    try:
        return diagnose(facts, [check for check in checks if check.verdict is Verdict.FAIL])
    except Exception as error:  # noqa: BLE001 - whatever it is, the verdict stands without it
        return Diagnosis(Cause.UNKNOWN, f"not known, for a rule is broken: {type(error).__name__}: {error}")


def names_of(facts: RunFacts) -> Sequence[str]:
    """Return the names of the checks of a run; a simulated one has the invariants besides the scenario's own."""
    # First, because a world in which one does not hold is not run to its end, which other checks then miss.
    world = ("invariants",) if facts.world else ()
    return tuple(dict.fromkeys((*world, *checks_of(facts.scenario))))


def checks_of(scenario: Scenario) -> Sequence[str]:
    """Return the names of a run's checks: those always applied, those listed, and those for what else is stated."""
    stated = (name for name, states in STATED.items() if states(scenario))
    return tuple(dict.fromkeys((*ALWAYS, *scenario.checks, *stated)))


def apply(name: str, facts: RunFacts) -> CheckResult:
    """Apply one check; one that raises has shown nothing, and the others are still applied."""
    if facts.world and name in OF_PROGRAMS:
        return CheckResult(name, 0, "there are no real programs in a simulated world", applies=False)
    try:
        return CHECKS[name](facts)
    except Exception as error:  # noqa: BLE001 - whatever it is, the check is broken, and the others must still run
        summary = f"the check itself is broken: {type(error).__name__}: {error}"
        return CheckResult(name, 0, summary, traceback=traceback.format_exc())


def verdict_of(checks: Sequence[CheckResult]) -> Verdict:
    """Return the verdict of a run: PASS needs a passed check besides the premises, otherwise the run shows nothing."""
    shown = worst(check.verdict for check in checks if check.name not in PREMISES)
    return worst((shown, *(check.verdict for check in checks if check.name in PREMISES)))
