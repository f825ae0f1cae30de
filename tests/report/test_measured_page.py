"""What the page shows apart from runs: the scorecard of planted bugs, the ablations, and the benchmarks."""

import re
from dataclasses import replace

import pytest
from bench.made_up import made_up
from mutants.found import FOUND
from page_outline import Outline, text_of

from harness.cli import main
from harness.recording.measured import Measured, measured_text, read_measured
from harness.recording.reader import read_run
from harness.recording.schema import (
    AblationRecord,
    AblationsRecord,
    AlarmRecord,
    BenchRecord,
    EnvironmentRecord,
    ScorecardRecord,
)
from harness.report.benchmarks import write_benchmarks
from harness.report.page import render_index, render_run

CAUGHT = replace(FOUND, checks=("equivalence", "export"), step=2, latency=2, in_allclose=False, seconds=70.0)
MISNAMED = replace(CAUGHT, mutant="clip-twice", cause="norm", cause_right=False, expected_cause="clipping")
UNSEEN_IN_BITS = replace(CAUGHT, mutant="wait", step=None, stage="", tensor="", latency=None, in_allclose=None)
MISSED = replace(CAUGHT, mutant="leave-one-out", verdict="PASS", checks=(), cause="", cause_right=False, step=None)
EQUAL = replace(MISSED, mutant="add-in-another-order", equivalent="Two numbers have one sum.")
FIGURES = {
    "caught in the first wrong step": 0,
    "seen in the loss curve": 1,
    "seen by allclose": 0,
    "scenarios of the correct system": 29,
}
CARD = ScorecardRecord("PASS", FIGURES, (), (), (), (CAUGHT, MISNAMED, UNSEEN_IN_BITS, EQUAL), "0123456789ab")

CORRECT = AblationRecord("nothing", "the correct system", 300, 0, 0.0, None, None, {}, None, 0, "")
FENCING = AblationRecord(
    "fencing",
    "only the newest is heeded",
    120,
    5,
    416.67,
    42,
    "an old one was heeded",
    {"bits": 3, "state": 2},
    1,
    9,
    "",
)
HEARTBEAT = AblationRecord("heartbeat", "keeps a place", 300, 0, 0.0, None, None, {}, None, 0, "Nobody waits.")
ABLATIONS = AblationsRecord("PASS", 300, 0, 5, (CORRECT, FENCING, HEARTBEAT), 90.0, "0123456789ab")

STEP = replace(made_up(1.2, 0), a=(0.1, 0.2, 0.3), b=(0.1, 0.3, 0.5), figures={"GB/s": 1.25, "promised": "2^-11 |x|"})
MACHINE = EnvironmentRecord(machine={"cpu": "Some CPU", "cores": 2}, commit="0123456789ab")
BENCH = BenchRecord("PASS", (STEP,), {}, MACHINE, quick=False, seconds=90.0)


@pytest.fixture
def run(write_faulted):
    return read_run(write_faulted("pair-1"))


@pytest.fixture
def shown(run):
    """Return a function that returns the part of a page that is about the harness itself."""

    def page_of(scorecard=CARD, ablations=ABLATIONS):
        page = render_run(run, Measured(scorecard, ablations, BENCH))
        assert Outline(page).open == []
        return page[page.index("<aside") : page.index("</aside>")]

    return page_of


def row_of(page, name):
    """Return the words of the cells of a row."""
    (row,) = (row for row in re.findall("<tr>.*?</tr>", page, flags=re.DOTALL) if f"<code>{name}</code>" in row)
    return [text_of(cell).strip() for cell in re.findall("<td.*?</td>", row, flags=re.DOTALL)]


def folded_of(page):
    """Return what is folded, and whether it is open at first."""
    found = re.findall(r"<details( open)?>\s*<summary>(.*?)</summary>", page)
    return {words: bool(is_open) for is_open, words in found}


def counts_of(page):
    return {text_of(name): text_of(number) for number, name in re.findall("<dd>(.*?)</dd><dt>(.*?)</dt>", page)}


def test_planted_bugs_are_counted(shown):
    assert counts_of(shown()) == {
        "caught / planted": "3 / 3",
        "cause named right": "2 / 3",
        "caught in the first wrong step": "0",
        "false alarms": "0 / 29",
        "all runs with a bug": "4 min 40 s",
    }
    assert "at commit 0123456789ab" in text_of(shown())
    assert "would have shown 1 of the bugs, torch.allclose on the final weights 0" in text_of(shown())


def test_every_planted_bug_has_a_row(shown):
    page = shown()

    bug, *cells = row_of(page, "see-the-future")
    assert bug == "see-the-futureTokens attend to later ones.classic: no mask"
    assert cells == ["equivalence, export", "2", "bottom, smashed", "✓ attention", "yes", "no"]
    assert row_of(page, "wait")[2:4] == ["–", "–"]  # noqa: RUF001 - a dash, not a minus
    assert row_of(page, "wait")[-1] == "–"  # noqa: RUF001 - as above
    assert row_of(page, "clip-twice")[4] == "✕ normit is: clipping"
    assert "Two numbers have one sum." in text_of(page)


def test_long_tables_are_folded(shown):
    assert folded_of(shown()) == {
        "1 bug caught, with another cause named": False,
        "2 bugs caught, with the cause named right": False,
        "1 change that no run can tell from the correct system": False,
        "1 safeguard without which schedules fail": False,
        "1 safeguard without which nothing failed, and why": False,
    }


def test_what_speaks_against_the_judge_is_not_folded(shown):
    alarm = AlarmRecord("direct", "FAIL", "first divergence: loss")
    bad = replace(CARD, verdict="FAIL", mutants=(CAUGHT, MISSED), false_alarms=(alarm,), refuted=("add-nothing",))
    page = shown(bad)

    assert folded_of(page)["1 bug missed"]
    assert row_of(page, "leave-one-out")[1] == "✕ missed: PASS"
    assert counts_of(page)["caught / planted"] == "1 / 2"
    assert counts_of(page)["false alarms"] == "1 / 29"
    unfolded = text_of(re.sub("<details.*?</details>", "", page, flags=re.DOTALL))
    assert "False alarm: the correct system on direct is FAIL: first divergence: loss" in unfolded
    assert "add-nothing is said to be equivalent to the correct system, but did not pass" in unfolded
    assert "✕ FAIL" in unfolded


def test_every_safeguard_has_a_row_with_its_failures_or_why_there_are_none(shown):
    page = shown()

    assert row_of(page, "fencing") == [
        "fencingonly the newest is heeded",
        "5 / 120",
        "417",
        "42",
        "bits 3, state 2",
        "an old one was heeded",
    ]
    assert row_of(page, "heartbeat") == ["heartbeatkeeps a place", "300", "Nobody waits."]
    assert "With all of them, 0 of 300 schedules failed." in text_of(page)
    assert "harness ablations --schedules 300, at commit 0123456789ab, 90 s." in text_of(page)


def test_a_correct_system_that_failed_is_not_folded(shown):
    broken = replace(FENCING, switched_off="nothing")
    page = shown(ablations=replace(ABLATIONS, verdict="FAIL", rows=(broken, HEARTBEAT)))

    unfolded = re.sub("<details.*?</details>", "", page, flags=re.DOTALL)
    assert row_of(unfolded, "nothing")[-1] == "an old one was heeded"
    assert '<b class="FAIL">5 of 120 schedules</b>' in page


def test_a_void_table_of_ablations_says_why(shown):
    assert "In so few schedules" not in text_of(shown())
    assert "In so few schedules" in text_of(shown(ablations=replace(ABLATIONS, verdict="VOID")))


def test_what_was_not_measured_is_left_out_and_the_command_that_does_it_named(shown, run):
    only_ablations, only_scorecard = shown(scorecard=None), shown(ablations=None)

    assert Outline(only_ablations).headings == ["How the harness itself was tested", "Ablations"]
    assert "harness mutants --json reports/baselines/mutants.json" in only_ablations
    assert Outline(only_scorecard).headings == ["How the harness itself was tested", "Planted bugs"]
    assert "harness ablations --json reports/baselines/ablations.json" in only_scorecard
    assert "harness bench --json reports/baselines/bench.json" in render_run(run, Measured(CARD, ABLATIONS))
    assert "not measured" not in shown()


def bench_of(run, bench=BENCH):
    """Return the part of a page that is about benchmarks."""
    page = render_run(run, Measured(CARD, ABLATIONS, bench))
    assert Outline(page).open == []
    return page[page.rindex("<aside") : page.rindex("</aside>")]


def test_every_measurement_has_a_row_with_its_ratio_and_interval(run):
    page, ratio = bench_of(run), STEP.ratio

    name, *cells = row_of(page, "step/W1-M1")
    assert name.split() == [
        "step/W1-M1split,",
        "against",
        "one",
        "processGB/s",
        "1.25",
        "·",
        "promised",
        "2^-11",
        "|x|",
    ]
    assert cells == [f"{ratio.value:.3f}", f"{ratio.low:.3f} to {ratio.high:.3f}", "200 ms", "300 ms", "3"]
    assert "harness bench, at commit 0123456789ab, 90 s, on Some CPU, 2 cores." in text_of(page)
    assert "✓ PASS" in text_of(page)
    assert "not measured" not in page
    assert "quick run" not in page


def test_what_a_benchmark_could_not_measure_and_that_a_run_was_quick_is_shown(run):
    page = bench_of(run, replace(BENCH, verdict="VOID", missing={"proxy": "it <did> not start"}, quick=True))

    assert "○ proxy was not measured: it" in text_of(page)
    assert "it &lt;did&gt; not start" in page
    assert "A quick run: its samples are few." in text_of(page)
    assert "harness bench --quick, at" in text_of(page)
    assert "○ VOID" in text_of(page)
    assert "<table" not in bench_of(run, replace(BENCH, measurements=()))


def test_a_page_of_benchmarks_alone(tmp_path):
    page = write_benchmarks(BENCH, tmp_path / "deep" / "bench.html").read_text()

    assert Outline(page).open == []
    assert Outline(page).headings == ["How long things take", "Benchmarks"]
    assert row_of(page, "step/W1-M1")[-1] == "3"
    assert "<title>PASS · benchmarks</title>" in page


def test_it_comes_after_the_runs_if_it_is_asked_for(run):
    measured = Measured(CARD, ABLATIONS, BENCH)
    page = render_index([run, run], measured)

    assert "<aside" not in render_run(run)
    assert page.rindex("</article>") < page.index("<aside")
    assert len(Outline(page).ids) == len(set(Outline(page).ids))
    assert text_of(page).count("Measured apart from these runs") == 2


def test_the_command_shows_what_the_folder_of_baselines_has(write_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "run")
    baselines = tmp_path / "reports" / "baselines"
    baselines.mkdir(parents=True)
    (baselines / "mutants.json").write_text(measured_text(CARD))
    (baselines / "ablations.json").write_text(measured_text(ABLATIONS))
    (baselines / "bench.json").write_text(measured_text(BENCH))

    assert read_measured() == Measured(CARD, ABLATIONS, BENCH)
    assert main(["report", "run"]) == 0
    headings = Outline((tmp_path / "reports" / "report.html").read_text()).headings
    assert headings[-4:] == ["Planted bugs", "Ablations", "How long things take", "Benchmarks"]


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "Invalid JSON"), (measured_text(CARD).replace('"latency": 2', '"latency": "two"', 1), "mutants.0.latency")],
)
def test_a_damaged_file_is_named_with_the_command_that_writes_it(write_run, tmp_path, monkeypatch, capsys, text, told):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "run")
    (tmp_path / "reports" / "baselines").mkdir(parents=True)
    (tmp_path / "reports" / "baselines" / "mutants.json").write_text(text)

    assert main(["report", "run"]) == 2
    message = capsys.readouterr().err
    assert "harness report: reports/baselines/mutants.json: " in message
    assert told in message
    assert "`harness mutants --json reports/baselines/mutants.json`" in message
