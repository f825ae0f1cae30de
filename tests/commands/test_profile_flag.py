"""`--profile` of both programs: what it prints, and that it changes no bit."""

import json
import subprocess
import sys

import pytest

from splitlearn.profile import PHASES, TRUNK_PHASES

HEADING = "where the time went, in the median of 4 steps:"


def client_program(*words):
    """Run a client as a separate process, which closes its files; return exit status and both outputs."""
    command = [sys.executable, "-m", "splitlearn", *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def digests(folder):
    """Return every line of a party's digests."""
    return [json.loads(line) for line in (folder / "digests.jsonl").read_text().splitlines()]


@pytest.mark.timeout(300)
def test_programs_with_and_without_it_have_the_same_digests(start_trunk, settings, small_model, tmp_path):
    recorded, printed = {}, {}
    for name, flags in (("plain", ()), ("profiled", ("--profile",))):
        folders = [tmp_path / name / party for party in ("client", "trunk")]
        trunk = start_trunk(
            f"--model={small_model()}", f"--save-dir={tmp_path / name}", f"--record={folders[1]}", *flags
        )
        there = [*settings, f"--trunk-address={trunk.address}", f"--save-dir={tmp_path / name}"]
        status, out, err = client_program("train", *there, f"--record={folders[0]}", *flags)
        assert status == 0, err
        status, trunk_out, err = trunk.stop()
        assert status == 0, err
        recorded[name], printed[name] = [digests(folder) for folder in folders], (out, trunk_out)

    assert recorded["profiled"] == recorded["plain"]
    assert min(map(len, recorded["plain"])) > 100
    assert not any(HEADING in out for out in printed["plain"])
    for out, names in zip(printed["profiled"], (PHASES, TRUNK_PHASES), strict=True):
        heading, *lines = out.splitlines()[: 2 + len(names)]
        assert heading == HEADING
        assert [line[:36].strip() for line in lines] == [*names.values(), "Sum of the medians"]
        measured = {line[:36].strip(): float(line[36:].split()[0]) for line in lines}
        assert all(seconds > 0 for name, seconds in measured.items() if name != "Other")


def test_a_run_that_fails_shows_where_its_time_went(splitlearn, settings):
    status, out, _ = splitlearn("train", *settings, "--profile", "--learning-rate=1e30", "--max-skipped=1")

    assert status != 0
    assert out.startswith("where the time went, in the median of ")
