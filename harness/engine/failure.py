"""Records runs that the harness itself could not finish, so that no report omits them."""

import traceback

from harness.judging.judge import Judgement
from harness.plan.scenario import Scenario
from harness.recording.judgement import recorded_verdict
from harness.recording.writer import RunWriter
from harness.trace.verdict import CheckResult, Verdict

__all__ = ["record_failure"]

LOG = "harness.log"


def record_failure(error: Exception, scenario: Scenario, writer: RunWriter, replay: str) -> Judgement:
    """Record what ended a run, with its traceback; the run counts as VOID, because it shows nothing either way."""
    words = "".join(traceback.format_exception(error))
    (writer.logs / LOG).write_text(words)
    # The rest of the message, such as the end of a log, is in the traceback.
    first = str(error).partition("\n")[0]
    check = CheckResult("harness", 0, f"{type(error).__name__}: {first}", traceback=words)
    writer.write_environment(scenario, None)
    writer.write(recorded_verdict(scenario, writer.started, Verdict.VOID, (check,), replay))
    return Judgement(Verdict.VOID, (check,))
