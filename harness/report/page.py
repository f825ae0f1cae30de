"""The report page: recorded runs in, one self-contained HTML file out."""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from harness.recording.measured import Measured
from harness.recording.reader import RunFolder, read_run
from harness.recording.schema import Where
from harness.report.adversaries import adversary_spans
from harness.report.again import commands_again
from harness.report.bits import BitPair, bit_pair
from harness.report.chronicle import chronicle
from harness.report.coverage import coverage
from harness.report.faults import fault_spans
from harness.report.figures import FIGURES
from harness.report.figures.recovery import recovery_times
from harness.report.ladder import ladder
from harness.report.matrix import matrix
from harness.report.phases import pace, phases
from harness.report.points import points_passed
from harness.report.reading import counts, sentence, word, worst_verdict
from harness.report.recoveries import all_together, recoveries
from harness.report.rendering import drawings, style, templates
from harness.report.selection import in_order_of_interest
from harness.report.settings import sort_settings

__all__ = ["render_index", "render_run", "write_page", "write_report"]

# Budget of the full reports in a page that is mailed and opened on a phone: 2 MB with all its rows.
ARTICLES_SIZE = 1_200_000


def write_report(run_dirs: Sequence[Path], out: Path) -> Path:
    """Write the report of the given run folders to `out` and return it.

    Raises:
        RunFolderError: one of the folders is no run.
        OSError: `out` cannot be written.
    """
    return write_page([read_run(folder) for folder in run_dirs], out)


def write_page(runs: Sequence[RunFolder], out: Path, measured: Measured | None = None) -> Path:
    """Write the report of runs that were read to `out` and return it.

    Args:
        runs: at least one.
        out: the page.
        measured: what was measured of the harness itself, to be shown below the runs; None if that is not asked for.

    Raises:
        OSError: `out` cannot be written.
    """
    assert runs, "a report needs a run"
    page = render_run(runs[0], measured) if len(runs) == 1 else render_index(runs, measured)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")
    return out


def render_run(run: RunFolder, measured: Measured | None = None) -> str:
    """Return the page of one run."""
    return _render([run], f"{run.verdict.verdict} · {run.scenario.title or run.scenario.name}", measured)


def render_index(runs: Sequence[RunFolder], measured: Measured | None = None) -> str:
    """Return one page for several runs: verdicts, points, recoveries, and the full reports of the runs shown."""
    return _render(runs, f"{worst_verdict(runs)} · {len(runs)} runs", measured)


def _render(runs: Sequence[RunFolder], title: str, measured: Measured | None) -> str:
    verdicts = [run.verdict.verdict for run in runs]
    anchors = _anchors(runs)
    articles = _articles(runs, anchors)
    rows = [_row(run, anchor, anchor in articles) for run, anchor in zip(runs, anchors, strict=True)]
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            title=title,
            worst=worst_verdict(runs),
            tally={word: verdicts.count(word) for word in ("PASS", "FAIL", "VOID") if word in verdicts},
            style=style(),
            rows=rows,
            again=commands_again(runs),
            articles=[articles[anchor] for anchor in anchors if anchor in articles],
            measured=measured,
            **(_over_all(runs) if len(runs) > 1 else {}),
        )
    )


def _row(run: RunFolder, anchor: str, full: bool) -> dict[str, Any]:  # noqa: FBT001 - one of a row's values
    """Gather what the table of runs shows for one."""
    slowest = max((span.recovered for span in fault_spans(run) if span.recovered is not None), default=None)
    return {"anchor": anchor, "run": run, "word": word(run), "counts": counts(run), "full": full, "slowest": slowest}


def _over_all(runs: Sequence[RunFolder]) -> dict[str, object]:
    """Gather what is shown for several runs together."""
    groups = recoveries(runs)
    return {
        "coverage": coverage(runs),
        "recoveries": [*groups, *([all_together(groups)] if groups else [])],
        "recovery_drawings": drawings("recovery", lambda sheet: recovery_times(groups, sheet)),
    }


def _articles(runs: Sequence[RunFolder], anchors: Sequence[str]) -> dict[str, Markup]:
    """Return full reports by anchor, most informative runs first, until they fill their share of the page."""
    page = templates().get_template("run.html.j2")
    articles: dict[str, Markup] = {}
    room = ARTICLES_SIZE
    for number in in_order_of_interest(runs):
        article = _article(runs[number], anchors[number])
        text = page.render(article=article, several=len(runs) > 1)
        room -= len(text.encode())
        if articles and room < 0:
            break
        articles[anchors[number]] = Markup(text)  # noqa: S704 - rendered by a template that escapes
    return articles


def _article(run: RunFolder, anchor: str) -> dict[str, object]:
    """Gather what the template shows for one run."""
    first = run.equivalence.first_divergence if run.equivalence else None
    return {
        "anchor": anchor,
        "run": run,
        "ours": "split run",
        "counts": counts(run),
        "sentence": sentence(run),
        "first": first,
        "likely_cause": run.verdict.likely_cause,
        "bits": _bits(first),
        "ladder": ladder(run.equivalence.ladder if run.equivalence else ()),
        "matrix": matrix(run),
        "faults": fault_spans(run),
        "adversaries": adversary_spans(run),
        "chronicle": chronicle(run),
        "phases": phases(run),
        "pace": pace(run),
        "points": points_passed(run),
        "settings": sort_settings(run.scenario.config),
        "figures": _draw(run, anchor),
    }


def _draw(run: RunFolder, anchor: str) -> list[dict[str, object]]:
    """Draw every figure that has something to show."""
    figures: list[dict[str, object]] = []
    for figure in FIGURES.values():
        drawn = drawings(f"{anchor}-{figure.name}", partial(figure.draw, run))
        if drawn:
            figures.append({"title": figure.title, "section": figure.section, "drawings": drawn})
    return figures


def _bits(where: Where | None) -> list[BitPair]:
    """Return the bits of both values of a divergence; None if a value is missing or not finite."""
    if where is None or where.split is None or where.reference is None:
        return []
    try:
        return [bit_pair(where.split, where.reference)]
    except ValueError:
        return []


def _anchors(runs: Iterable[RunFolder]) -> list[str]:
    """Return each run an id that is unique on the page and made of letters, digits and dashes."""
    slugs = (re.sub(r"[^a-z0-9]+", "-", run.scenario.name.lower()).strip("-") for run in runs)
    return [f"run-{number}-{slug}" for number, slug in enumerate(slugs, 1)]
