"""The scripts of docs/examples end, leave no process behind, and record what their page says."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
DEADLINE = 240
WEIGHTS = ("--only", "gradient", "updated weight", "weight")
TOLERANCE = ("--rtol", "1e-5", "--atol", "1e-7")


def run(script, folder):
    """Run a script in a session of its own; return exit status and output when nothing of it is left."""
    words = [sys.executable, str(EXAMPLES / script), str(folder)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as program:
        try:
            output, _ = program.communicate(timeout=DEADLINE)
        except BaseException:
            os.killpg(program.pid, signal.SIGKILL)
            raise
    with pytest.raises(ProcessLookupError):
        os.killpg(program.pid, 0)
    return program.returncode, output


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Run each script once; return its folder of recordings."""
    folders = {}

    def folder_of(script):
        if script not in folders:
            folder = tmp_path_factory.mktemp("recordings")
            status, output = run(script, folder)
            assert status == 0, output
            folders[script] = folder
        return folders[script]

    return folder_of


@pytest.fixture
def judge(tmp_path):
    def run_judge(recording, reference, *flags):
        file = tmp_path / "judged.json"
        status = main(["judge", str(recording), str(reference), "--json", str(file), *flags])
        return status, json.loads(file.read_text())

    return run_judge


def test_two_ranks_equal_one_process_bit_for_bit(recorded, judge):
    folder = recorded("data_parallel.py")
    status, judged = judge(folder / "two-ranks", folder / "one-process")
    parameters, losses, moments, steps = 4, 2, 3 * 4, 5
    assert (0, steps * (2 * parameters + losses + moments) + parameters + moments) == (status, judged["identical"])


def test_two_ranks_and_one_batch_differ_by_rounding(recorded, judge):
    folder = recorded("data_parallel.py")
    differs_by_rounding(judge, folder / "two-ranks", folder / "one-batch", "2.bias")


def test_the_pipeline_equals_the_uncut_model_bit_for_bit(recorded, judge):
    folder = recorded("pipeline.py")
    status, judged = judge(folder / "pipeline", folder / "uncut")
    parameters, momenta, steps, of_microbatches = 6, 6, 5, 4 * 5
    assert (0, steps * (2 * parameters + momenta + of_microbatches) + parameters + momenta) == (
        status,
        judged["identical"],
    )
    assert {"stage-0", "stage-1"} == {row["stage"] for row in judged["rows"]}


def test_the_pipeline_and_one_batch_differ_by_rounding(recorded, judge):
    folder = recorded("pipeline.py")
    differs_by_rounding(judge, folder / "pipeline", folder / "one-batch", "4.bias")


def differs_by_rounding(judge, recording, reference, tensor):
    status, judged = judge(recording, reference, *WEIGHTS)
    first = judged["first_divergence"]
    assert (1, 0, tensor) == (status, first["step"], first["tensor"])
    assert first["recording"] != first["reference"] == pytest.approx(first["recording"], rel=1e-5)
    status, judged = judge(recording, reference, *WEIGHTS, *TOLERANCE)
    assert (0, "close(rtol=1e-05, atol=1e-07)") == (status, judged["exactness"])
    assert judged["within_tolerance"] > 0 == judged["not_comparable"]


@pytest.mark.parametrize("script", ["data_parallel.py", "pipeline.py"])
def test_a_process_that_fails_ends_the_others(recorded, script):
    status, output = run(script, recorded(script))
    assert 1 == status
    assert "holds a recording already; remove it" in output


@pytest.mark.parametrize("script", ["data_parallel.py", "pipeline.py"])
def test_every_loop_is_recorded_by_fewer_than_ten_lines(script):
    text = (EXAMPLES / script).read_text()
    lines = dict(enumerate(text.splitlines(), 1))
    added = {number for number, line in lines.items() if line.endswith("# recorded")}
    body = ast.parse(text).body
    of_functions = [
        {*range(node.lineno, node.end_lineno + 1)} & added for node in body if isinstance(node, ast.FunctionDef)
    ]
    imports = added.difference(*of_functions)
    loops = [lines for lines in of_functions if lines]
    assert (3, 1) == (len(loops), len(imports))
    assert max(map(len, loops)) + len(imports) < 10
    assert [] == [
        line for number, line in lines.items() if re.search(r"[Rr]ecorder| step\.", line) and number not in added
    ]
