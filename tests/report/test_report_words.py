"""Small parts of the report: bits, words, the ladder, settings, the sentence."""

import json
from types import SimpleNamespace

import pytest

from harness.recording.reader import read_run
from harness.recording.schema import RungRun, Where
from harness.report.bits import bit_pair
from harness.report.ladder import ladder
from harness.report.reading import sentence, worst_verdict
from harness.report.settings import sort_settings
from harness.report.wording import ABSENT, duration, measure, place, plural, size, value
from splitlearn.registry import CODECS


@pytest.mark.parametrize(
    ("split", "reference", "ulp", "width"),
    [
        (1.0, 1.0000001192092896, 1, 32),
        (0.1, 0.1, 0, 64),
        (0.1, 0.10000000000000002, 1, 64),
        (-1.401298464324817e-45, 1.401298464324817e-45, 2, 32),
        (0.0, -0.0, 0, 32),
        (1e300, 0.5, None, 64),
    ],
)
def test_two_numbers_are_compared_in_the_smallest_format_that_holds_both(split, reference, ulp, width):
    pair = bit_pair(split, reference)

    assert len(pair.split) == len(pair.reference) == sum(pair.fields) == width
    assert ulp is None or pair.ulp == ulp


@pytest.mark.parametrize("number", ["skipped", float("nan"), float("inf")])
def test_what_is_no_finite_number_has_no_bits_to_compare(number):
    with pytest.raises(ValueError, match=r"finite|could not convert"):
        bit_pair(number, 1.0)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (duration(0.0042), "4.2 ms"),
        (duration(1.5), "1.5 s"),
        (duration(125), "2 min 05 s"),
        (duration(None), ABSENT),
        (size(512), "512 B"),
        (size(6 * 1024**2), "6.00 MiB"),
        (size(3 * 1024**4), "3072.00 GiB"),
        (measure(0.0), "0"),
        (measure(1 - 5e-10), "1 − 5.0e-10"),  # noqa: RUF001 - a minus sign
        (value(0.0011754943989217281), "0.0011754944"),
        (value(0.1), "0.1"),
        (value(17301), "17,301"),
        (value(True), "true"),
        (plural(1, "step"), "1 step"),
        (place(Where(step=3, tensor="wte", index=(1, 2))), "step 3 · wte [1, 2]"),
    ],
)
def test_numbers_and_places_in_words(written, expected):
    assert written == expected


def test_the_ladder_has_the_rungs_that_were_run_and_no_other():
    rungs = ladder([RungRun("local", "PASS"), RungRun("direct", "VOID"), RungRun("proxy", "FAIL")])
    assert [(rung.name, rung.state) for rung in rungs] == [
        ("One process", "baseline"),
        ("Local trunk", "holds"),
        ("gRPC direct", "unknown"),
        ("gRPC through Toxiproxy", "fails"),
    ]
    assert [rung.name for rung in ladder([RungRun("elsewhere", "FAIL")])] == ["One process", "elsewhere"]
    assert ladder([]) == []


def test_settings_at_their_default_are_parted_from_the_others():
    settings = sort_settings({"seed": 3, "threads": 1, "cuts": "1:3", "save_dir": "checkpoints", "unheard_of": 1})

    assert [setting.name for setting in settings.changed] == ["seed", "unheard_of"]
    assert [setting.name for setting in settings.defaults] == ["threads", "cuts", "save_dir"]


def test_one_failure_is_worse_than_any_void(tmp_path, write_run):
    passed, failed, void = (read_run(write_run(tmp_path / kind, kind)) for kind in ("PASS", "FAIL", "VOID"))

    assert worst_verdict([passed, void, failed]) == "FAIL"
    assert worst_verdict([passed, void]) == "VOID"
    assert worst_verdict([passed]) == "PASS"


@pytest.mark.parametrize(
    ("kind", "edit", "expected"),
    [
        ("PASS", ("scenario.json", {"config": {"codec": "fp16"}}), "one process that applies the codec fp16"),
        ("PASS", ("scenario.json", {"config": {"codec": "zlib"}}), "the same training as one process: over"),
        ("PASS", ("scenario.json", {"config": {"codec": "own-lossless"}}), "the same training as one process: over"),
        ("PASS", ("scenario.json", {"config": {"codec": "own-lossy"}}), "that applies the codec own-lossy"),
        ("PASS", ("scenario.json", {"config": {"codec": "gone"}}), "the codec gone, which it applied if lossy, is not"),
        ("PASS", ("equivalence.json", None), "no tensor was compared with a reference"),
        (
            "PASS",
            ("equivalence.json", {"rows": [{"quantity": "loss", "stage": "top", "compared": 9, "differing": 1}]}),
            "with 1 of 9 compared tensors not identical",
        ),
        ("FAIL", ("equivalence.json", None), "The check “bitwise-equal” does not hold: gradient differs"),
        ("FAIL", ("verdict.json", {"checks": []}), "the first difference is at step 17"),
        ("VOID", ("scenario.json", {"faults": []}), "the check “bitwise-equal” is void: no gradient"),
    ],
)
def test_the_sentence_says_no_more_than_the_run_shows(tmp_path, write_run, monkeypatch, kind, edit, expected):
    for lossless, name in ((True, "own-lossless"), (False, "own-lossy")):
        monkeypatch.setitem(CODECS.registered, name, SimpleNamespace(lossless=lossless))
    folder = write_run(tmp_path / "run", kind)
    file, changes = edit
    if changes is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(json.dumps({**json.loads((folder / file).read_text()), **changes}))

    assert expected in sentence(read_run(folder))


def test_of_a_check_that_failed_the_sentence_tells_what_is_wrong_and_not_what_should_hold(tmp_path, write_run):
    folder = write_run(tmp_path / "run", "FAIL")
    (folder / "equivalence.json").unlink()
    crash = {"message": "trunk.log, line 1: KeyError: 'x'\nits end", "where": {}}
    check = {"name": "logs", "verdict": "FAIL", "summary": "no log tells of a crash", "findings": [crash]}
    verdict = json.loads((folder / "verdict.json").read_text())
    (folder / "verdict.json").write_text(json.dumps({**verdict, "checks": [check]}))

    assert "The check “logs” does not hold: trunk.log, line 1: KeyError: 'x'." == sentence(read_run(folder))
