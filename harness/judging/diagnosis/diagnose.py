"""From the facts of a failed run to its likely cause: the first rule that recognises its pattern."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TypeAlias

from harness.judging.diagnosis.cause import Diagnosis
from harness.judging.diagnosis.evidence import Evidence
from harness.judging.diagnosis.rules import costs, forward, gradients, recovery, update
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult

__all__ = ["Rule", "diagnose"]

# Recognises one pattern around the first divergence.
Rule: TypeAlias = Callable[[Evidence], Diagnosis | None]

# What a crash explains is explained by nothing else; the others follow the order of a step.
GROUPS: Sequence[Sequence[Rule]] = (recovery.RULES, forward.RULES, gradients.RULES, update.RULES)


def diagnose(facts: RunFacts, failed: Sequence[CheckResult]) -> Diagnosis | None:
    """Return the likely cause of a run's failure; None if no rule knows it.

    Args:
        facts: of the run.
        failed: the checks that failed.
    """
    if not facts.missing_files and (first := facts.equivalence.first_divergence):
        evidence = Evidence(facts, first)
        found = (rule(evidence) for rule in chain.from_iterable(GROUPS))
        return next((diagnosis for diagnosis in found if diagnosis), None)
    return costs.diagnosis_of(facts, failed)
