"""Checks on a finished run: one function per check, registered here."""

from collections.abc import Callable, Mapping

from harness.judging.checks.completion import check_completion
from harness.judging.checks.convergence import check_convergence
from harness.judging.checks.detection import check_detection
from harness.judging.checks.equivalence import check_equivalence
from harness.judging.checks.exactly_once import check_exactly_once
from harness.judging.checks.expectations import check_expectations
from harness.judging.checks.export import check_export
from harness.judging.checks.faults import check_faults
from harness.judging.checks.hostility import check_hostility
from harness.judging.checks.lies import check_lies
from harness.judging.checks.liveness import check_liveness
from harness.judging.checks.logs import check_logs
from harness.judging.checks.memory import check_memory
from harness.judging.checks.peak_memory import check_peak_memory
from harness.judging.checks.second_client import check_second_client
from harness.judging.checks.step_time import check_step_time
from harness.judging.checks.strangers import check_strangers
from harness.judging.checks.traffic import check_traffic
from harness.judging.checks.work import check_work
from harness.judging.facts import RunFacts
from harness.trace.verdict import CheckResult

__all__ = ["CHECKS", "Check"]

Check = Callable[[RunFacts], CheckResult]

CHECKS: Mapping[str, Check] = {
    "completion": check_completion,
    "equivalence": check_equivalence,
    "exactly_once": check_exactly_once,
    "expectations": check_expectations,
    "faults": check_faults,
    "lies": check_lies,
    "liveness": check_liveness,
    "hostility": check_hostility,
    "logs": check_logs,
    "memory": check_memory,
    "peak_memory": check_peak_memory,
    "step_time": check_step_time,
    "traffic": check_traffic,
    "detection": check_detection,
    "work": check_work,
    "convergence": check_convergence,
    "export": check_export,
    "second_client": check_second_client,
    "strangers": check_strangers,
}
