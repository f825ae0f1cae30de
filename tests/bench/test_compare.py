"""`harness compare`: what has not changed stays quiet, what has is found, and the exit status says so."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bench.made_up import made_up

from harness.bench.change import changes_between
from harness.cli import main
from harness.recording.measured import measured_text
from harness.recording.schema import BenchRecord, EnvironmentRecord

SEEDS = range(20)
THRESHOLD = 0.05
NAMES = ("step/W1-M1", "step/W2-M4", "codecs/zlib")


def record(ratio, seed, names=NAMES):
    """Return a file of benchmarks in which B takes `ratio` times as long as A."""
    measurements = tuple(made_up(ratio, seed * 100 + place, name=name) for place, name in enumerate(names))
    return BenchRecord("PASS", measurements, {}, EnvironmentRecord(machine={"cpu": "one"}), quick=False, seconds=1.0)


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """Return a function that compares two records by the command, and returns its status."""
    monkeypatch.chdir(tmp_path)

    def compared(old, new, *words):
        (tmp_path / "old.json").write_text(measured_text(old))
        (tmp_path / "new.json").write_text(measured_text(new))
        return main(["compare", "old.json", "new.json", *words])

    return compared


def test_what_has_not_changed_is_quiet_in_20_of_20():
    """Steps vary as `made_up` says: by 3 %, with outliers, on a machine whose speed varies twofold."""
    found = [changes_between(record(1.2, seed), record(1.2, seed + 50), THRESHOLD) for seed in SEEDS]

    assert {change.word for changes in found for change in changes} == {"within noise"}
    assert [len(changes) for changes in found] == [len(NAMES)] * 20


@pytest.mark.parametrize(("factor", "word"), [(1.15, "regressed"), (1 / 1.15, "improved")])
def test_a_change_of_15_percent_is_found_in_20_of_20(factor, word):
    found = [changes_between(record(1.2, seed), record(1.2 * factor, seed + 50), THRESHOLD) for seed in SEEDS]

    assert [{change.word for change in changes} for changes in found] == [{word}] * 20


def test_a_machine_that_is_slower_at_both_is_no_change():
    old = record(1.2, 0)
    slower = tuple(
        replace(each, a=tuple(2 * a for a in each.a), b=tuple(2 * b for b in each.b)) for each in old.measurements
    )

    assert {change.factor.value for change in changes_between(old, replace(old, measurements=slower), 0.0)} == {1.0}


def test_a_regression_is_status_1_and_its_line_has_the_factor_and_its_interval(compare, capsys):
    assert compare(record(1.2, 0), record(1.38, 50), "--json", "changes.json") == 1

    *lines, verdict = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["regressed", name] for name in NAMES]
    assert verdict == "verdict: FAIL"
    told = json.loads(Path("changes.json").read_text())
    factor = told["changes"][0]["factor"]
    assert f"x {factor['value']:.3f} ({factor['low']:.3f} to {factor['high']:.3f}): B / A was 1." in lines[0]
    assert (told["verdict"], told["threshold"], told["not_compared"]) == ("FAIL", 0.05, [])


def test_one_that_is_below_the_threshold_is_status_0(compare, capsys):
    assert compare(record(1.2, 0), record(1.38, 50), "--threshold", "0.3") == 0
    assert compare(record(1.38, 0), record(1.2, 50)) == 0
    assert "improved" in capsys.readouterr().out


def test_files_with_nothing_in_common_are_void(compare, capsys):
    assert compare(record(1.2, 0, ("step/W1-M1",)), record(1.2, 0, ("step/W1-M4",))) == 3

    told = capsys.readouterr().out
    assert "not compared  step/W1-M1: " in told
    assert "not compared  step/W1-M4: " in told
    assert "verdict: VOID" in told


@pytest.mark.parametrize("other", [{"a_is": "another process"}, {"b_is": "through another proxy"}])
def test_a_ratio_of_other_ways_is_not_compared(compare, capsys, other):
    old = record(1.2, 0)
    others = tuple(replace(each, **other) for each in old.measurements[:1])

    assert compare(old, replace(old, measurements=others + old.measurements[1:]), "--json") == 0
    assert json.loads(capsys.readouterr().out)["not_compared"] == [NAMES[0]]


def test_what_may_differ_besides_the_code_is_remarked(compare, capsys):
    old = record(1.2, 0)

    assert compare(old, old) == 0
    assert "different" not in capsys.readouterr().out
    assert compare(old, replace(old, quick=True, environment=EnvironmentRecord({"torch": "3"}, {"cpu": "two"}))) == 0
    told = capsys.readouterr().out
    assert "different machines" in told
    assert "different versions" in told
    assert "quick run" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["none.json", "new.json"], "there is no file none.json; `harness bench --json none.json` makes it"),
        (["new.json", "bad.json"], "bad.json: Invalid JSON"),
    ],
)
def test_a_file_that_cannot_be_read_is_status_2_with_what_to_do(compare, tmp_path, capsys, words, told):
    compare(record(1.2, 0), record(1.2, 0))
    (tmp_path / "bad.json").write_text("{")

    assert main(["compare", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_threshold_is_a_fraction(compare, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "old.json", "new.json", "--threshold", "5"])
    assert stopped.value.code == 2
    assert "'5' is not a number from 0 to 1, such as 0.05" in capsys.readouterr().err
