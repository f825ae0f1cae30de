"""The page: what it shows of each verdict, that it stands alone, and that it cannot be injected into."""

import json
import re

import pytest
from page_outline import Outline, text_of
from synthetic_values import LIKELY_CAUSE

from harness.commands.telling import details
from harness.recording.reader import read_run
from harness.report.figures import FIGURES
from harness.report.figures.sheet import VARIABLES
from harness.report.page import render_index, render_run, write_report


def _edit(folder, file_name, **changes):
    file = folder / file_name
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


SECTIONS = [
    "Loss",
    "Equivalence",
    "Checks",
    "Time of a step",
    "Faults and events",
    "Traffic",
    "Not covered",
    "Set-up",
    "Replay",
]


@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        ("PASS", ["A dropped connection and a killed trunk", *SECTIONS]),
        ("FAIL", ["Gradients under accumulation, over mobile", "First divergence", *SECTIONS]),
        ("VOID", ["A reset after the last step", *SECTIONS]),
    ],
)
def test_the_verdict_comes_first_and_the_evidence_after_it(page_of, kind, headings):
    page = page_of(kind)
    outline = Outline(page)

    assert outline.headings == headings
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert page.index(f'class="banner {kind}"') < page.index("<h2>")


def test_a_pass_says_in_words_what_was_shown(page_of):
    text = text_of(page_of("PASS"))

    assert "over 40 steps, through 2 faults, all 2,639 compared tensors are equal bit for bit." in text
    assert "2 / 2 faults fired / planned" in re.sub(r"(\d)(faults)", r"\1 \2", text)
    assert "More than one client on the same trunk" in text
    assert "harness run trunk-killed --seed 0" in text
    assert "Toxiproxy 2.12.0" in text
    assert "connection reset" not in text


def test_a_failure_shows_both_values_their_bits_and_the_guilty_rung(page_of):
    page = page_of("FAIL")
    text = text_of(page)

    assert "the first difference is at step 17, microbatch 1, trunk, transformer.h.2.mlp.c_fc.weight [17, 203]" in text
    assert "-0.0011754944" in text
    assert "-0.00117549452" in text
    assert "1 ULP apart" in text
    assert "holdsLocal trunk" in text
    assert f"Likely cause: {LIKELY_CAUSE}." in text
    assert "failsgRPC direct" in text
    assert "Simulated network" not in text
    assert page.count('<i class="differs">') == 2
    assert "9 more findings" in text
    assert "call Compute failed: UNAVAILABLE &lt;connection reset&gt;" in page


def test_the_terminal_names_the_likely_cause_too(write_run, tmp_path):
    told = [line.strip() for line in details(read_run(write_run(tmp_path / "run", "FAIL")))]

    assert f"likely cause: {LIKELY_CAUSE}" in told


def test_a_void_run_says_that_it_proves_nothing_and_why(page_of):
    text = text_of(page_of("VOID"))

    assert "This run proves nothing: 1 of 1 planned fault never fired (cut-connection)." in text
    assert "No tensor was compared with the reference." in text


def test_the_page_stands_alone(page_of):
    page = page_of("PASS")
    outline = Outline(page)

    assert all(link.startswith(("#", "data:image/svg+xml,")) for link in outline.links)
    assert not {"script", "img", "iframe"} & set(outline.tags)
    assert "@import" not in page


def test_markup_in_a_run_is_escaped(tmp_path, write_run):
    folder = write_run(tmp_path / "run", "FAIL")
    evil = "</title><script>alert('$1')</script>"
    _edit(folder, "scenario.json", name=evil, title=evil, config={evil: evil}, topology=evil)
    _edit(folder, "scenario.json", faults=[{"name": evil, "at": {"point": evil}, "detail": evil}])
    _edit(folder, "verdict.json", replay=evil, not_covered=[evil], started=evil)
    _edit(folder, "equivalence.json", ulp_histogram={evil: 3, "0": 1})
    _edit(folder, "environment.json", versions={evil: evil})

    page = render_run(read_run(folder))

    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("kind", ["PASS", "FAIL", "VOID"])
def test_a_run_with_nothing_but_a_verdict_still_has_a_page(tmp_path, write_run, kind):
    folder = write_run(tmp_path / "run", kind)
    for file in [*folder.glob("*.json*"), *folder.glob("logs/*")]:
        if file.name not in ("scenario.json", "verdict.json"):
            file.unlink()

    text = text_of(render_run(read_run(folder)))

    assert "Not recorded: losses of the reference (no reference.jsonl)" in text
    assert "The split run recorded no step." in text


def test_a_run_without_a_reference_draws_the_split_run_alone(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    (folder / "reference.jsonl").unlink()

    assert "no reference to compare with" in render_run(read_run(folder))


def test_losses_that_are_not_numbers_are_drawn(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    split, reference = ([{"step": 1, "loss": 2.0}, {"step": 2, "loss": float("nan")}] for _ in range(2))
    split.append({"step": 3, "loss": float("inf")})
    reference.append({"step": 3, "loss": 2.0})
    for name, steps in {"split": split, "reference": reference}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))

    assert "1 of 3 losses differ" in render_run(read_run(folder))


def test_the_same_folder_gives_the_same_bytes(tmp_path, write_run):
    folder = write_run(tmp_path / "run", "FAIL")

    first, second = (write_report([folder], tmp_path / name).read_bytes() for name in ("a.html", "b.html"))

    assert first == second


def test_figures_take_their_colours_from_the_page(page_of):
    page = page_of("FAIL")
    style = page[page.index("<style>") : page.index("</style>")]

    for drawing in re.findall(r"<svg role.*?</svg>", page, flags=re.DOTALL):
        assert not re.search(r"#[0-9a-f]{6}\b", drawing)
        assert "<text" in drawing
    assert all(style.count(f"{variable}:") == 3 for variable in VARIABLES.values())


def test_every_figure_appears_in_some_page(page_of):
    page = page_of("FAIL")

    assert [figure.title for figure in FIGURES.values() if figure.title not in page] == []


def test_several_runs_have_one_table_that_links_to_each(tmp_path, write_run):
    runs = [read_run(write_run(tmp_path / kind, kind)) for kind in ("PASS", "FAIL", "VOID")]
    twice = [*runs, runs[0]]

    page = render_index(twice)
    outline = Outline(page)

    assert outline.headings[0] == "4 runs"
    assert outline.tags.count("article") == 4
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)
    assert "2 PASS, 1 FAIL, 1 VOID." in text_of(page)


def test_many_steps_share_bars_and_an_outlier_does_not_flatten_the_others(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    steps = [
        {"step": n, "loss": 1.0, "seconds": 90.0 if n == 500 else 0.2, "breakdown": {"bottom": 0.1}}
        for n in range(1, 1001)
    ]
    (folder / "split.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))

    page = render_run(read_run(folder))

    assert "each bar is the mean of 6" in page
    assert "↑ 15.2 s" in page
    assert len(page) < 1_000_000


def test_steps_that_took_no_time_and_steps_without_a_counterpart_are_drawn(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    steps = [{"step": n, "loss": 1.0, "seconds": 0.0, "breakdown": {}} for n in (1, 2, 3)]
    (folder / "split.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
    (folder / "reference.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps[:2]))

    assert "identical bits at the common 2 steps" in render_run(read_run(folder))


def test_a_check_that_does_not_apply_and_one_that_is_broken_are_shown_as_such(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    checks = [
        {"name": "faults", "verdict": "N/A", "summary": "none were planned", "compared": 0},
        {"name": "memory", "verdict": "VOID", "summary": "the check itself is broken", "traceback": "KeyError: 'x'"},
    ]
    _edit(folder, "verdict.json", checks=checks)
    page = render_run(read_run(folder))

    assert '<p class="NA">' in page
    assert "– N/A faults none were planned" in " ".join(text_of(page).split())  # noqa: RUF001 - a dash
    assert "(0 compared)" not in page
    assert "KeyError: &#39;x&#39;" in page


def test_the_step_time_stands_beside_that_of_the_single_process(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    for name, seconds in {"split": 0.3, "reference": 0.2}.items():
        steps = [{"step": n, "loss": 1.0, "seconds": seconds, "breakdown": {"bottom": 0.1}} for n in (1, 2, 3)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))

    beside = text_of(render_run(read_run(folder)), " ")
    _edit(folder, "scenario.json", timed=True)
    alone = text_of(render_run(read_run(folder)), " ")

    assert "The same step in the single process 200 ms 1.50 × when split" in beside  # noqa: RUF001 - the sign for times
    assert "The single process ran beside the split run" in beside
    assert "The single process ran beside the split run" not in alone


def test_the_commit_of_the_code_that_ran_is_named(tmp_path, write_run):
    folder = write_run(tmp_path / "run")
    _edit(folder, "environment.json", commit="0123456789ab+changes")

    assert "commit 0123456789ab+changes" in text_of(render_run(read_run(folder)), " ")
