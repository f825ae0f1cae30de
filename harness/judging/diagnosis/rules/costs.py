"""What failed though no bit differs: the first check that failed tells the kind of bug."""

from collections.abc import Sequence

from harness.judging.diagnosis.cause import Cause, Diagnosis
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult

__all__ = ["diagnosis_of"]

CAUSES = {
    "exactly_once": Cause.ONCE,
    "other_clients": Cause.SESSIONS,
    "export": Cause.EXPORT,
    "strangers": Cause.DOOR,
    "detection": Cause.DEADLINE,
    "liveness": Cause.DEADLINE,
    "work": Cause.WASTE,
    "traffic": Cause.BYTES,
    "step_time": Cause.SLOW,
    "memory": Cause.MEMORY,
    "peak_memory": Cause.MEMORY,
}
SUPERSEDED = "of an older incarnation"


def diagnosis_of(facts: RunFacts, failed: Sequence[CheckResult]) -> Diagnosis | None:
    """Return the kind of bug that the first failed check finds; None if none of them tells one."""
    if facts.problem:
        return Diagnosis(Cause.ENDED, f"a program did not come to its end: {facts.problem.partition(chr(10))[0]}")
    check = next((check for check in failed if check.name in CAUSES), None)
    if check is None:
        return None
    cause = Cause.FENCING if SUPERSEDED in check.reading else CAUSES[check.name]
    return Diagnosis(cause, f"every bit is right, but {check.reading}")
