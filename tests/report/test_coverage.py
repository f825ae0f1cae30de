"""Every point with the faults that were tried at it: what counts, what does not, and that a gap shows."""

import re

import pytest
from page_outline import text_of

from harness.plan.faults.groups import GROUPS
from harness.plan.matrices import flips, kill_matrix, long_haul, network_matrix, pairs, storms
from harness.plan.outages import outages
from harness.recording.reader import read_run
from harness.report.coverage import coverage
from harness.report.page import render_index
from splitlearn.points import POINTS

POINT = "client.commit.decided"
GROUPS_OF = {"kill-client": "client killed", "kill-trunk": "trunk killed", "kill-client-and-trunk": "both killed"}
KILLS = [("kill-client", POINT, 2), ("kill-trunk", POINT, 2), ("kill-client-and-trunk", POINT, 3)]


def _covered(folders):
    return coverage([read_run(folder) for folder in folders])


def _at(found, name):
    return next(point for point in found.points if point.name == name)


def test_every_point_is_listed_in_its_order_with_what_was_tried(write_faulted):
    found = _covered(write_faulted(f"run-{kind}", (kind, POINT, step)) for kind, _, step in KILLS)

    assert [point.name for point in found.points] == list(POINTS)
    assert [(tried.kind, tried.steps, dict(tried.tally)) for tried in _at(found, POINT).tried] == [
        ("kill-client", (2,), {"PASS": 1}),
        ("kill-trunk", (2,), {"PASS": 1}),
        ("kill-client-and-trunk", (3,), {"PASS": 1}),
    ]
    assert [point.name for point in found.points if point.every_kill] == [POINT]
    assert sum(not point.tried for point in found.points) == len(POINTS) - 1
    assert (found.runs, found.worst, found.silent) == (3, "PASS", 0)


def test_a_fault_that_did_not_fire_counts_nowhere_even_in_a_run_that_passed(write_faulted):
    found = _covered([write_faulted("quiet", silent=[("kill-client", POINT, 2)])])

    assert _at(found, POINT).tried == ()
    assert (found.runs, found.worst, found.silent) == (0, None, 1)


def test_a_fault_that_fired_without_being_planned_counts_nowhere(write_faulted):
    stray = [{"t": 1.0, "source": "harness", "point": "fault.injected", "fault": f"drop@{POINT}"}]

    assert _covered([write_faulted("stray", trace=stray)]).runs == 0


def test_a_kill_in_a_void_run_is_shown_and_does_not_count_as_a_kill(write_faulted):
    verdicts = ("PASS", "VOID", "FAIL")
    runs = [write_faulted(f"run-{word}", fault, verdict=word) for fault, word in zip(KILLS, verdicts, strict=True)]

    found = _covered(runs)

    assert not _at(found, POINT).every_kill
    assert dict(_at(found, POINT).groups["trunk killed"]) == {"VOID": 1}
    assert found.worst == "FAIL"
    assert _at(_covered([*runs, write_faulted("again", KILLS[1])]), POINT).every_kill


def test_a_run_counts_once_a_group_however_many_of_its_faults_are_there(write_faulted):
    found = _covered([write_faulted("twice", ("drop", POINT, 1), ("partition-1s", POINT, 2))])

    assert dict(_at(found, POINT).groups["connection"]) == {"PASS": 1}
    assert [tried.kind for tried in _at(found, POINT).tried] == ["drop", "partition-1s"]


def test_a_point_and_a_kind_that_are_not_known_are_shown_and_not_counted_among_the_points(write_faulted):
    runs = [read_run(write_faulted(name, ("flood", "client.of.old", 1))) for name in ("a", "b")]

    found = coverage(runs)

    assert found.points[-1].name == "client.of.old"
    assert len(found.known) == len(POINTS)
    assert found.groups[-1] == "other"
    assert "Fault at client.of.old, which is no point of this version" in text_of(render_index(runs))


def test_the_page_says_in_one_line_what_was_covered_and_shows_every_gap_without_calling_it_void(write_faulted):
    runs = [read_run(write_faulted(f"run-{fault[0]}", fault)) for fault in KILLS]
    silent = read_run(write_faulted("quiet", silent=[("drop", "trunk.compute.done", 2)]))

    page = render_index([*runs, silent])
    text = text_of(page)

    assert (
        f"{len(POINTS)} points, 1 with a kill of each of the three kinds (client, trunk, both); 3 runs, "
        f"worst verdict PASS. Nothing was tried at {len(POINTS) - 1} points."
    ) in text
    assert "1 planned fault never fired and counts nowhere." in text
    assert page.count('class="line gap"') == text.count("nothing was tried") == len(POINTS) - 1
    assert '<div class="line gap"><code>session.opening</code><span>nothing was tried</span></div>' in page
    row = re.search(r"<summary class=\"line\">(.*?)</summary>", page, flags=re.DOTALL)[1]
    assert text_of(row).strip() == (
        "commit.decided client killed: ✓ 1 PASS trunk killed: ✓ 1 PASS both killed: ✓ 1 PASS "
        "stopped or paused: none connection: none network: none message: none altered bits: none"
    )


def test_a_run_that_did_not_pass_is_linked_from_its_fault(write_faulted):
    runs = [read_run(write_faulted(name, KILLS[0], verdict=word)) for name, word in (("a", "PASS"), ("b", "FAIL"))]

    assert '✕</span> 1<span class="unseen"> FAIL</span></span> <a href="#run-2-b">b</a>' in render_index(runs)


MATRICES = (kill_matrix(), network_matrix(), pairs(), [long_haul(300, "haul")], storms(), flips(), outages())


@pytest.mark.parametrize("matrix", MATRICES)
def test_every_fault_of_the_matrices_has_its_group(matrix):
    groups = {fault.kind: fault.group for scenario in matrix for fault in scenario.faults}

    assert {kind for kind, group in groups.items() if group not in GROUPS} == set()
    assert {kind: group for kind, group in groups.items() if kind.startswith("kill-")}.items() <= GROUPS_OF.items()
