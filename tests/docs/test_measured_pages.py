"""The pages of planted bugs and of ablations are wholly what their commands wrote, from the figures that are kept."""

from pathlib import Path

from harness.mutants import page as mutants_page
from harness.recording.measured import BASELINES, read_measured

ROOT = Path(__file__).parents[2]
MEASURED = read_measured(ROOT / BASELINES)


def test_the_page_of_planted_bugs_shows_the_scorecard():
    """If not: `harness mutants --json reports/baselines/mutants.json --markdown docs/mutants.md`."""
    assert mutants_page.page(MEASURED.scorecard) == (ROOT / "docs" / "mutants.md").read_text()
