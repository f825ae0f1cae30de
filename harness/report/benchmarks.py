"""The page of benchmarks alone."""

from pathlib import Path

from harness.recording.measured import Measured
from harness.recording.schema import BenchRecord
from harness.report.rendering import style, templates

__all__ = ["write_benchmarks"]


def write_benchmarks(found: BenchRecord, out: Path) -> Path:
    """Write the page to `out` and return it; raises `OSError` if it cannot be written.

    Args:
        found: what the benchmarks found.
        out: the page.
    """
    page = (
        templates()
        .get_template("benchmarks.html.j2")
        .render(
            title=f"{found.verdict} · benchmarks", worst=found.verdict, style=style(), measured=Measured(bench=found)
        )
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    return out
