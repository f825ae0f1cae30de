"""Summarises many runs in two lines."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from harness.recording.reader import RunFolder
from harness.recording.schema import Value
from harness.report.reading import word
from harness.report.recoveries import all_together, recoveries
from harness.report.wording import plural

__all__ = ["summary"]


def summary(runs: Sequence[RunFolder]) -> list[str]:
    """Return what the runs compared and, if there were faults, how soon progress followed them."""
    figures = list(_equivalence_figures(runs))
    tensors = sum(int(found["tensors"]) for found in figures if "tensors" in found)
    ulps = [found["worst ulp"] for found in figures if "worst ulp" in found]
    # Text means that something was not finite, which is worse than any number.
    worst = max(ulps, key=lambda ulp: math.inf if isinstance(ulp, str) else ulp, default="none")
    ends = Counter(word(run) for run in runs)
    tally = f" ({', '.join(f'{count} {end}' for end, count in ends.items())})" if ends.keys() - {"PASS"} else ""
    lines = [f"{plural(len(runs), 'run')}{tally}, {plural(tensors, 'tensor')} compared, worst ULP {worst}"]
    together = all_together(recoveries(runs))
    if together.seconds:
        middle, late = together.quantile(0.5), together.quantile(0.95)
        times = f"p50 {middle:.2f} s, p95 {late:.2f} s, slowest {together.seconds[-1]:.2f} s"
        lines.append(f"{plural(len(together.seconds), 'fault')} healed; progress came after {times}")
    return lines


def _equivalence_figures(runs: Sequence[RunFolder]) -> Iterator[dict[str, Value]]:
    for run in runs:
        for check in run.verdict.checks:
            if check.name == "equivalence":
                yield dict(check.figures)
