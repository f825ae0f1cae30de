"""The page of two recordings: verdict first, every number that it rests on, nothing executed or fetched."""

from dataclasses import replace
from pathlib import Path

import pytest
from page_outline import Outline

from harness.oracle.comparison import Comparison, FirstDivergence, JudgedRow
from harness.oracle.digests import FINAL, Place
from harness.oracle.exactness import BITWISE, Close
from harness.report.judged import write_judged

ROW = JudgedRow("gradient", "rank-0", 5, 2, 7, 1e-9, 1.0, tolerated=1, undecided=0)
EQUAL = Comparison(BITWISE, [replace(ROW, differing=0, max_ulp=0, tolerated=0)], 5, [], [], None, {0: 40}, [], [], [])
FIRST = FirstDivergence(Place(2, 1, "hidden"), "rank-0", ("a" * 64, "b" * 64), (3, 4), (0.5, 0.25))
DIFFERING = replace(EQUAL, rows=[ROW], first_divergence=FIRST, ulp_histogram={0: 30, 4: 10}, exactness=Close(1e-5, 0.0))


@pytest.fixture
def page(tmp_path):
    def write(comparison, recording="mine"):
        text = write_judged(comparison, Path(recording), Path("reference"), tmp_path / "page.html").read_text()
        outline = Outline(text)
        assert outline.open == []
        assert [link for link in outline.links if not link.startswith(("#", "data:"))] == []
        assert "script" not in outline.tags
        return text, outline

    return write


def test_equal_recordings(page):
    text, outline = page(EQUAL)
    assert ["A recording against its reference", "Tensors"] == outline.headings
    assert "<title>PASS · mine against reference</title>" in text
    assert "svg" not in outline.tags
    assert "Asked for: bitwise." in text


def test_a_divergence_with_values_bits_and_distances(page):
    text, outline = page(DIFFERING)
    assert ["A recording against its reference", "First divergence", "Tensors"] == outline.headings
    for shown in ("FAIL", "hidden[3, 4]", "<strong>Step 2</strong>, microbatch 1, rank-0", "0.5", "0.25", "ULP apart"):
        assert shown in text
    assert "close(rtol=1e-05, atol=0)" in text
    assert "svg" in outline.tags


def test_a_divergence_of_which_digests_are_known(page):
    first = replace(FIRST, place=Place(FINAL, None, "weights/x"), index=None, values=None, reason="not whole")
    text, _ = page(replace(DIFFERING, first_divergence=first))
    assert "<strong>After the last step</strong>, rank-0" in text
    assert f"sha256 {'a' * 64}" in text
    assert "ULP apart" not in text


def test_a_value_that_is_not_finite_has_no_bits(page):
    text, _ = page(replace(DIFFERING, first_divergence=replace(FIRST, values=(float("nan"), 0.25))))
    assert "nan" in text
    assert "ULP apart" not in text


def test_names_of_one_side_only_are_listed_up_to_a_number(page):
    text, outline = page(replace(EQUAL, only_in_reference=[f"tensor-{number}" for number in range(300)]))
    assert "Only in the reference" in outline.headings
    assert "300 tensors, of which the first 200 are named" in text
    assert "tensor-199" in text
    assert "tensor-200" not in text


def test_nothing_in_common(page):
    text, _ = page(replace(EQUAL, rows=[], whole=0, ulp_histogram={}))
    assert "VOID" in text
    assert "The recordings have no tensor in common." in text


def test_what_is_in_a_recording_is_text_on_the_page(page):
    evil = "<script>alert(1)</script>"
    first = replace(FIRST, place=Place(0, 0, evil), party=evil)
    text, _ = page(
        replace(DIFFERING, first_divergence=first, only_in_recording=[evil], remarks=[evil]), recording="<b>mine</b>"
    )
    assert evil not in text
    assert "<b>" not in text
