"""Writes the outcome of a run, from which everything that people see is made."""

import shutil

from harness.judging.facts import RunFacts
from harness.judging.judge import Judgement
from harness.judging.traffic import traffic_figures
from harness.recording.judgement import recorded_equivalence, recorded_verdict
from harness.recording.schema import ProxyRecord
from harness.recording.writer import RunWriter
from harness.trace.verdict import Verdict

__all__ = ["write_outcome"]


def write_outcome(
    facts: RunFacts, judgement: Judgement, writer: RunWriter, proxy: ProxyRecord | None, replay: str
) -> None:
    """Write the facts of a run and the judgement; a run that passed keeps no checkpoints."""
    scenario = facts.scenario
    writer.write_environment(scenario, proxy)
    writer.write_lines("split.jsonl", facts.split_steps)
    writer.write_lines("reference.jsonl", facts.reference_steps)
    if "equivalence" not in judgement.broken and not facts.missing_files:
        writer.write(recorded_equivalence(facts.equivalence))
    if "traffic" not in judgement.broken and facts.traffic and facts.split_steps:
        writer.write(traffic_figures(facts))
    found = judgement.diagnosis
    cause, sentence = (found.cause.value, found.sentence) if found else ("", "")
    writer.write(
        recorded_verdict(scenario, writer.started, judgement.verdict, judgement.checks, replay, cause, sentence)
    )
    if judgement.verdict is Verdict.PASS:
        shutil.rmtree(writer.checkpoints)  # equal to the reference's, so the digests suffice
