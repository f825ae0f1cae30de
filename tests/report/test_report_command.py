"""`harness report`: what it takes, writes and returns; and that it is quick to import."""

import argparse
import json
import os
import subprocess
import sys

import pytest

from harness.commands.report import add_parser


def _run(*arguments):
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    flags = parser.parse_args(["report", *map(str, arguments)])
    return flags.run(flags)


@pytest.mark.parametrize(
    ("kinds", "verdict", "status"),
    [(["PASS"], "PASS", 0), (["PASS", "VOID", "FAIL"], "FAIL", 1), (["PASS", "VOID"], "VOID", 3)],
)
def test_the_exit_status_is_that_of_the_worst_run(tmp_path, write_run, kinds, verdict, status):
    folders = [write_run(tmp_path / kind, kind) for kind in kinds]
    page, record = tmp_path / "out" / "page.html", tmp_path / "out" / "record.json"

    assert _run(*folders, "--out", page, "--json", record) == status

    written = json.loads(record.read_text())
    assert written["verdict"] == verdict
    assert written["report"] == str(page)
    assert [run["verdict"] for run in written["runs"]] == kinds
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert page.read_text().count("<article") == len(kinds)


def test_without_a_run_the_newest_is_taken(tmp_path, write_run, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, kind, moment in (("a", "PASS", 2), ("b", "FAIL", 1)):
        os.utime(write_run(tmp_path / "reports/runs" / name, kind) / "verdict.json", (moment, moment))

    assert _run() == 0
    assert capsys.readouterr().out == "PASS  reports/report.html\n"
    assert _run("b") == 1
    assert _run("reports/runs") == 1


def test_unusable_input_is_explained(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert _run() == 2
    assert "there is no run under reports/runs. Make one with `harness run`" in capsys.readouterr().err
    assert _run("nowhere") == 2
    assert "nowhere is not the folder of a finished run" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_explained(tmp_path, write_run, capsys):
    (tmp_path / "file").write_text("")

    assert _run(write_run(tmp_path / "run"), "--out", tmp_path / "file" / "page.html") == 2
    assert capsys.readouterr().err.startswith("harness report: ")


def test_help_needs_neither_drawing_nor_the_system_under_test():
    command = "import sys, harness.commands.report; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert not {"matplotlib", "jinja2", "torch", "grpc"} & set(loaded.stdout.split())

    command = "import sys, harness.report.page; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert not {"matplotlib", "torch", "grpc", "splitlearn.client", "splitlearn.trunk"} & set(loaded.stdout.split())
