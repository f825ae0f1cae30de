"""The pages of what was measured apart from runs are what their commands wrote, and leave nothing out."""

from pathlib import Path

from harness.bench.registry import BENCHMARKS
from harness.commands import ablation_table
from harness.mutants import page as mutants_page
from harness.recording.measured import BASELINES, read_measured
from harness.sim.ablations import ABLATIONS

ROOT = Path(__file__).parents[2]
MEASURED = read_measured(ROOT / BASELINES)


def test_the_page_of_planted_bugs_shows_the_scorecard():
    """If not: `harness mutants --json reports/baselines/mutants.json --markdown docs/mutants.md`."""
    assert mutants_page.page(MEASURED.scorecard) == (ROOT / "docs" / "mutants.md").read_text()


def test_the_page_of_ablations_shows_what_was_measured_of_every_safeguard():
    """If not: `harness ablations --json reports/baselines/ablations.json --markdown docs/ablations.md`."""
    assert ablation_table.page(MEASURED.ablations) == (ROOT / "docs" / "ablations.md").read_text()
    assert [row.switched_off for row in MEASURED.ablations.rows] == ["nothing", *ABLATIONS]


def test_the_page_of_benchmarks_names_every_benchmark():
    page = (ROOT / "docs" / "benchmarks.md").read_text()

    assert [name for name in BENCHMARKS if f"| `{name}` |" not in page] == []
