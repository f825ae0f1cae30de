"""A page of many runs: which are shown in full, and that none is missing."""

import re
from dataclasses import replace

import pytest
from page_outline import Outline, text_of

from harness.recording.reader import read_run
from harness.recording.schema import CheckRecord
from harness.report.again import commands_again
from harness.report.page import render_index
from harness.report.selection import family, in_order_of_interest


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kill-trunk-at-trunk.compute.done-2", "kill-trunk"),
        ("kill-client-and-trunk-at-client.session.opened", "kill-client-and-trunk"),
        ("net-OpenSession-reply-drop", "net"),
        ("pair-17", "pair"),
        ("equivalence-1-3", "equivalence"),
        ("drop-reply-backward", "drop-reply-backward"),
        ("2-clients", "2-clients"),
    ],
)
def test_a_family_is_what_names_have_in_common(name, expected):
    assert family(name) == expected


@pytest.fixture
def many(write_faulted):
    """Return the runs of two families, one of which failed and one of which is void."""
    words = {5: "FAIL", 9: "VOID"}
    names = [f"pair-{number}" for number in range(24)] + ["net-Compute-drop", "net-Commit-drop"]
    return [read_run(write_faulted(name, verdict=words.get(n, "PASS"))) for n, name in enumerate(names)]


def names_of(runs, numbers):
    return [runs[number].scenario.name for number in numbers]


def test_failures_come_first_then_what_is_void_then_one_of_each_family_then_the_rest(many):
    order = names_of(many, in_order_of_interest(many))

    assert order[:4] == ["pair-5", "pair-9", "pair-0", "net-Compute-drop"]
    assert sorted(order) == sorted(run.scenario.name for run in many)


def test_a_failure_does_not_take_the_place_of_a_familys_first_pass(many):
    failed_first = [many[5], *many[:5]]

    assert names_of(failed_first, in_order_of_interest(failed_first))[:2] == ["pair-5", "pair-0"]


def test_every_run_has_its_row_and_those_that_fit_have_a_link_to_their_full_report(many, monkeypatch):
    monkeypatch.setattr("harness.report.page.ARTICLES_SIZE", 300_000)
    page = render_index(many)
    outline, text = Outline(page), text_of(page)
    shown = outline.tags.count("article")

    assert 1 < shown < len(many)
    assert outline.headings[0] == f"{len(many)} runs"
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    targets = {link[1:] for link in outline.links if link.startswith("#")}
    assert targets <= set(outline.ids)
    assert f"{len(many) - shown} more runs" in text
    full = set(in_order_of_interest(many)[:shown])
    for number, run in enumerate(many):
        (row,) = (row for row in re.findall("<tr>.*?</tr>", page, flags=re.DOTALL) if f">{run.scenario.name}<" in row)
        assert ("<a href=" in row) == (number in full)


def test_the_names_to_run_again_are_one_command(many):
    assert "harness run pair-5 pair-9 --seed 0" in text_of(render_index(many))
    assert "harness run" not in text_of(render_index(many[:4])).partition("Points and faults")[0]


def test_a_page_of_few_runs_says_nothing_of_others(many):
    assert "more runs" not in render_index(many[:4])


def test_a_page_of_hundreds_of_runs_has_two_megabytes_at_most(many):
    """With every run a failure, which is what everybody would want to see in full."""
    failures = [many[5]] * 300 + many * 12

    assert 600 < len(failures)
    assert len(render_index(failures).encode()) < 2_000_000


def test_on_paper_a_run_that_passed_is_its_proof_and_one_that_did_not_is_whole(many):
    page = render_index([many[0], many[5]])

    assert '<body class="several">' in page
    assert re.findall(r'<article id="[^"]+" data-verdict="(\w+)"', page) == ["PASS", "FAIL"]
    paper = page[page.index("@media print {\n  @page") :]
    assert '.several article[data-verdict="PASS"] .more' in paper
    assert "details:not([open])" in paper[: paper.index("display: none")]


def test_runs_of_other_options_and_of_own_files_have_commands_of_their_own(many):
    def told(run, replay):
        return replace(run, verdict=replace(run.verdict, verdict="FAIL", replay=replay))

    name = many[1].scenario.name
    runs = [many[5], told(many[1], f"harness run {name} --seed 7"), told(many[2], "harness run mine.py::slow --seed 0")]

    assert commands_again([*runs, many[0], many[5]]) == [
        "harness run pair-5 --seed 0",
        f"harness run {name} --seed 7",
        "harness run mine.py::slow --seed 0",
    ]


def test_a_run_that_the_harness_could_not_finish_is_an_error_in_the_table(many, tmp_path):
    broken = replace(many[9].verdict, checks=(CheckRecord("harness", "VOID", traceback="KeyError: 1"),))
    page = render_index([many[0], replace(many[9], verdict=broken)])

    assert re.search(r'<td class="VOID">.*?ERROR</td>', page)
