"""An exploration as far as it has come, and what is told of it: as text, and as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.recording.writer import json_text
from harness.report.wording import plural
from harness.sim.findings import Failure, Findings
from harness.trace.verdict import Verdict

__all__ = ["Exploration"]

# Maximum number of failures that are shrunk and shown: the first of each invariant.
SHOWN = 3


@dataclass
class Exploration:
    """What is known of an exploration, whether it has come to its end or not.

    Attributes:
        findings: of all schedules so far.
        seconds: that the schedules took.
        shrunk: for each failure that was shrunk, its reproducer's faults and file.
        interrupted: whether it was given up.
    """

    findings: Findings = field(default_factory=Findings)
    seconds: float = 0.0
    shrunk: dict[Failure, Mapping[str, Any]] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def verdict(self) -> Verdict:
        """FAIL if a schedule failed; VOID if no fault showed, or too few schedules were run."""
        if self.findings.failures:
            return Verdict.FAIL
        return Verdict.PASS if self.findings.faults and not self.interrupted else Verdict.VOID

    @property
    def failures(self) -> list[Failure]:
        """The first failure of each invariant, at most `SHOWN` of them."""
        first = {failure.invariant: failure for failure in sorted(self.findings.failures, key=lambda each: -each.seed)}
        return sorted(first.values(), key=lambda each: each.seed)[:SHOWN]

    @property
    def text(self) -> str:
        """The figures for people."""
        found, figures = self.findings, self._figures
        return "\n".join(
            [
                f"{plural(found.schedules, 'schedule')} in {self.seconds:.1f} s: "
                f"{figures['schedules per minute']:,.0f} per minute",
                f"{found.faults:,} of {plural(found.planned, 'fault')} showed, "
                f"{plural(len(found.met), 'pair')} of kind and point",
                f"{plural(len(found.states), 'distinct protocol state')}, {found.virtual_seconds:,.0f} virtual seconds",
                f"{plural(found.steps, 'step')}, {plural(found.compared, 'tensor')} compared bit for bit",
                f"{plural(len(found.failures), 'schedule')} violated an invariant",
            ]
        )

    @property
    def interrupted_text(self) -> str:
        """How far it had come, and every failure."""
        failed = [f"seed {each.seed}: {each.invariant}: {each.message}" for each in self.findings.failures]
        after = f"interrupted after {plural(self.findings.schedules, 'schedule')}; failures: {len(failed)}"
        return "\n".join([after, *failed])

    @property
    def json(self) -> str:
        """Verdict, figures and failures as JSON."""
        failures = [
            {"seed": each.seed, "invariant": each.invariant, "message": each.message, **self.shrunk.get(each, {})}
            for each in self.failures
        ]
        told = {"verdict": self.verdict.value, "interrupted": self.interrupted, **self._figures, "failures": failures}
        return json_text(told)

    @property
    def _figures(self) -> dict[str, int | float]:
        found = self.findings
        return {
            "schedules": found.schedules,
            "seconds": round(self.seconds, 3),
            "schedules per minute": round(60 * found.schedules / self.seconds, 1) if self.seconds else 0.0,
            "faults planned": found.planned,
            "faults that showed": found.faults,
            "kinds at points": len(found.met),
            "states": len(found.states),
            "events": found.events,
            "steps": found.steps,
            "tensors compared": found.compared,
            "virtual seconds": round(found.virtual_seconds, 1),
            "failed": len(found.failures),
        }
