"""The canary: a seed decides everything in the simulated world, and whatever else does is found."""

import json
from pathlib import Path

import pytest

from harness.cli import main

HERE = Path(__file__).parents[1]


@pytest.fixture
def canary(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{HERE}:{HERE.parent}")

    def run(*flags):
        found = tmp_path / "found.json"
        status = main(["canary", "--jobs", "2", "--json", str(found), *flags])
        return status, json.loads(found.read_text())

    return run


def test_the_same_seeds_are_the_same_worlds_in_processes_that_differ(canary):
    status, found = canary("--seeds", "12", "--runs", "3", "--processes", "2")

    assert status == 0
    assert (found["seeds"], found["runs"], found["processes"], found["apart"]) == (12, 36, 2, [])


@pytest.mark.parametrize(
    ("plant", "kind", "words"),
    [("order_of_a_set", "checkpoint", "digest and mark"), ("wall_clock_in_a_pause", "event", "at ")],
)
def test_what_comes_from_elsewhere_is_found_where_it_shows_first(canary, capsys, plant, kind, words):
    status, found = canary("--seeds", "3", "--plant", f"sim.plants:{plant}")

    assert status == 1
    assert found["verdict"] == "FAIL"
    assert found["apart"]
    (told,) = found["differences"].values()
    (first,) = (number for number, line in enumerate(told) if line.startswith(f"first {kind} that differs"))
    one, other = told[first + 1 : first + 3]
    assert one != other
    assert words in "".join(told)
    assert told[first] in capsys.readouterr().out


def test_a_process_that_fails_is_told(canary, capsys):
    assert main(["canary", "--seeds", "1", "--plant", "sim.nowhere:nothing"]) == 2
    assert "sim.nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [("--runs", "1"), ("--runs", "0"), ("--jobs", "0"), ("--processes", "-1")])
def test_what_would_compare_nothing_is_refused(capsys, flags):
    assert main(["canary", "--seeds", "2", *flags]) == 2
    assert flags[0] in capsys.readouterr().err
