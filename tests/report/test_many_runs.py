"""A page of many runs: which are shown in full, and that none is missing."""

import re

import pytest
from page_outline import Outline, text_of

from harness.report.folder import read_run
from harness.report.page import render_index
from harness.report.selection import FEW, family, shown_in_full


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
    """Give the runs of two families, one of which failed and one of which is void."""
    words = {5: "FAIL", 9: "VOID"}
    names = [f"pair-{number}" for number in range(FEW)] + ["net-Compute-drop", "net-Commit-drop"]
    return [read_run(write_faulted(name, verdict=words.get(n, "PASS"))) for n, name in enumerate(names)]


def test_of_few_runs_all_are_shown_in_full(many):
    assert all(shown_in_full(many[:FEW]))


def test_of_many_runs_those_that_did_not_pass_and_one_of_each_family_are_shown_in_full(many):
    shown = [run.scenario.name for run, full in zip(many, shown_in_full(many), strict=True) if full]

    assert shown == ["pair-0", "pair-5", "pair-9", "net-Compute-drop"]


def test_a_failure_before_it_does_not_take_the_place_of_a_familys_first_pass(many):
    failed_first = [many[5], *many[:5], *many[6:]]
    shown = [run.scenario.name for run, full in zip(failed_first, shown_in_full(failed_first), strict=True) if full]

    assert shown == ["pair-5", "pair-0", "pair-9", "net-Compute-drop"]


def test_every_run_has_its_row_with_a_link_or_with_its_name_and_the_command_that_runs_it_again(many):
    page = render_index(many)
    outline, text = Outline(page), text_of(page)

    assert outline.tags.count("article") == 4
    assert outline.headings[0] == f"{len(many)} runs"
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    targets = {link[1:] for link in outline.links if link.startswith("#")}
    assert targets <= set(outline.ids)
    assert "22 more runs with PASS" in text
    assert "The 22 others passed; each has its row" in text
    for run, full in zip(many, shown_in_full(many), strict=True):
        name = run.scenario.name
        (row,) = (row for row in re.findall("<tr>.*?</tr>", page, flags=re.DOTALL) if f"The run {name}<" in row)
        assert ("<a href=" in row) == full
        assert (f"harness run {name} --seed 0" in row) != full


def test_a_page_of_few_runs_says_nothing_of_others(many):
    assert "more runs with PASS" not in render_index(many[:FEW])
