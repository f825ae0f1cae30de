"""`harness bench`: what it prints, writes and returns, with benchmarks that take no time."""

import json
from importlib import import_module

import pytest
from bench.made_up import made_up

from harness.bench.registry import BENCHMARKS, PACKAGE
from harness.cli import main
from harness.errors import HarnessError
from harness.recording.measured import read_record
from harness.recording.schema import BenchRecord

STEP, CODEC = made_up(1.2, 0), made_up(3.0, 1, name="codecs/zlib")


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def measured(monkeypatch):
    """Return a function that decides what a benchmark yields; an error is raised."""

    def decide(name, *found):
        def measure(_workbench):
            for each in found:
                if isinstance(each, BaseException):
                    raise each
                yield each

        monkeypatch.setattr(import_module(f"{PACKAGE}.{name}"), "measure", measure)

    for name in BENCHMARKS:
        decide(name, made_up(1.0, 0, name=f"{name}/all"))
    decide("step", STEP)
    decide("codecs", CODEC)
    return decide


def test_every_measurement_is_printed_and_written(measured, tmp_path, capsys):
    assert main(["bench", "--json", "deep/bench.json"]) == 0

    found = read_record(tmp_path / "deep" / "bench.json", BenchRecord)
    assert (found.verdict, found.missing, found.quick) == ("PASS", {}, False)
    names = [each.name for each in found.measurements]
    assert names == ["step/W1-M1", "proxy/all", "codecs/zlib", "checkpoint/all"]
    assert found.measurements[0] == STEP
    assert found.environment.machine["cores"] > 0
    assert found.environment.versions["torch"]
    assert found.environment.proxy.kind
    head, first, *_, verdict = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["measurement", "A", "B"]
    ratio = STEP.ratio
    assert f"{ratio.value:.3f}  {ratio.low:.3f} to {ratio.high:.3f}" in first
    assert first.endswith("split against one process")
    assert verdict == "verdict: PASS"


def test_only_the_named_are_run_once_each(measured, capsys):
    assert main(["bench", "codecs", "step", "codecs", "--quick", "--json"]) == 0

    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert [each["name"] for each in found["measurements"]] == ["codecs/zlib", "step/W1-M1"]
    assert found["quick"]
    assert "verdict: PASS" in printed.err


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ((STEP, HarnessError("the trunk ended with status 1")), "HarnessError: the trunk ended with status 1"),
        ((ZeroDivisionError("float division by zero"),), "ZeroDivisionError: float division by zero"),
        ((), "it measured nothing"),
    ],
)
def test_what_was_not_measured_makes_it_void_and_keeps_no_other_from_it(measured, capsys, tmp_path, found, why):
    measured("step", *found)

    assert main(["bench", "step", "codecs", "--json", "bench.json"]) == 3

    written = read_record(tmp_path / "bench.json", BenchRecord)
    assert (written.verdict, written.missing) == ("VOID", {"step": why})
    assert written.measurements == (*(each for each in found if each is STEP), CODEC)
    told = capsys.readouterr().out.splitlines()
    assert told[-2:] == [f"step: not measured: {why}", "verdict: VOID"]


def test_what_was_measured_before_an_interruption_is_written(measured, tmp_path):
    measured("proxy", KeyboardInterrupt())

    assert main(["bench", "--json", "bench.json"]) == 130

    written = read_record(tmp_path / "bench.json", BenchRecord)
    assert written.measurements == (STEP,)
    assert written.verdict == "VOID"
    assert written.missing == dict.fromkeys(("proxy", "codecs", "checkpoint"), "interrupted")


def test_the_report_is_a_page_of_what_was_measured(measured, capsys, tmp_path):
    assert main(["bench", "step", "--report", "bench.html"]) == 0

    assert "report: bench.html" in capsys.readouterr().out
    assert "<code>step/W1-M1</code>" in (tmp_path / "bench.html").read_text()


def test_an_unknown_benchmark_is_refused_with_the_names_of_all(measured, capsys):
    assert main(["bench", "codec"]) == 2

    told = capsys.readouterr().err
    assert told == (
        "harness bench: there is no benchmark 'codec' (did you mean 'codecs'?); "
        "there are step, proxy, codecs, checkpoint\n"
    )


@pytest.mark.parametrize("flag", ["--json", "--report"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(measured, capsys, flag):
    measured("step", AssertionError("it was measured"))

    assert main(["bench", "step", flag, "/proc/nowhere/bench.json"]) == 2
    assert "/proc/nowhere/bench.json cannot be written" in capsys.readouterr().err


def test_help_says_what_each_benchmark_measures(capsys):
    with pytest.raises(SystemExit):
        main(["bench", "--help"])

    told = capsys.readouterr().out
    assert [each.what for each in BENCHMARKS.values() if each.what not in told] == []
