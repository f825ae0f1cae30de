"""Ratios of pairs and their confidence intervals, on samples whose true ratio is known."""

from dataclasses import replace

import pytest
from bench.made_up import made_up

from harness.bench.intervals import change_between, measurement
from harness.errors import UnusableError
from harness.recording.measured import measured_text, read_record
from harness.recording.schema import BenchRecord, EnvironmentRecord

RECORD = BenchRecord("PASS", (made_up(1.2, 0),), {}, EnvironmentRecord(), quick=False, seconds=1.0)


def test_what_befalls_both_samples_of_a_pair_is_not_in_their_ratio():
    steady, loaded = [(1.0, 1.2), (1.0, 1.3), (1.0, 1.25)], [(1.0, 1.2), (4.0, 5.2), (2.0, 2.5)]

    assert measurement("x/y", "A", "B", steady).ratio == measurement("x/y", "A", "B", loaded).ratio
    assert measurement("x/y", "A", "B", loaded).ratio.value == 1.25


def test_the_interval_holds_the_true_ratio_in_as_many_cases_as_it_says():
    found = [made_up(1.2, seed).ratio for seed in range(200)]

    # 190 are expected; the chance of fewer than 180, or of all, is below one in a hundred thousand each.
    assert 180 <= sum(ratio.low <= 1.2 <= ratio.high for ratio in found) < 200
    assert all(ratio.low <= ratio.value <= ratio.high for ratio in found)


def test_the_interval_of_a_change_holds_the_true_change():
    found = [change_between(made_up(1.2, seed), made_up(1.38, seed + 1000)) for seed in range(200)]

    assert 180 <= sum(change.low <= 1.15 <= change.high for change in found) < 200


def test_more_pairs_make_it_narrower_and_the_same_pairs_the_same():
    few, many = made_up(1.2, 1, pairs=8).ratio, made_up(1.2, 1, pairs=80).ratio

    assert many.high - many.low < (few.high - few.low) / 2
    assert made_up(1.2, 1, pairs=8).ratio == few


@pytest.mark.parametrize(("a", "b"), [((), ()), ((1.0,), (1.0, 2.0)), ((1.0, 0.0), (1.0, 1.0))])
def test_samples_that_are_no_pairs_are_refused_and_a_file_that_has_them_is_damaged(tmp_path, a, b):
    with pytest.raises(ValueError, match=r"no pairs|not above 0"):
        replace(made_up(1.2, 0), a=a, b=b)
    file = tmp_path / "old.json"
    text = measured_text(replace(RECORD, measurements=(replace(made_up(1.2, 0), a=(7.0, 7.0), b=(8.0, 8.0)),)))
    (before, after) = ("".join(f"{number:.1f}," for number in numbers)[:-1] for numbers in ((7.0, 7.0), a))
    joined = "".join(text.split()).replace(f"[{before}]", f"[{after}]")
    file.write_text(joined.replace("[8.0,8.0]", str(list(b))))

    with pytest.raises(UnusableError, match=r"old.json: measurements.0.*`harness bench --json .*old.json`"):
        read_record(file, BenchRecord)


def test_a_record_is_read_as_it_was_written(tmp_path):
    (tmp_path / "bench.json").write_text(measured_text(RECORD))

    assert read_record(tmp_path / "bench.json", BenchRecord) == RECORD
    assert read_record(tmp_path / "none.json", BenchRecord) is None
