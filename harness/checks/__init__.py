"""Checks on a finished run: one function a check, registered here."""

from collections.abc import Callable, Mapping

from harness.checks.completion import check_completion
from harness.checks.convergence import check_convergence
from harness.checks.equivalence import check_equivalence
from harness.checks.exactly_once import check_exactly_once
from harness.checks.expectations import check_expectations
from harness.checks.faults import check_faults
from harness.checks.hostility import check_hostility
from harness.checks.liveness import check_liveness
from harness.checks.memory import check_memory
from harness.checks.step_time import check_step_time
from harness.checks.traffic import check_traffic
from harness.facts import RunFacts
from harness.verdict import CheckResult

__all__ = ["CHECKS", "Check"]

Check = Callable[[RunFacts], CheckResult]

CHECKS: Mapping[str, Check] = {
    "completion": check_completion,
    "equivalence": check_equivalence,
    "exactly_once": check_exactly_once,
    "expectations": check_expectations,
    "faults": check_faults,
    "liveness": check_liveness,
    "hostility": check_hostility,
    "memory": check_memory,
    "step_time": check_step_time,
    "traffic": check_traffic,
    "convergence": check_convergence,
}
