"""`latest` points at the newest run, even if several processes make runs, and does not count as a run itself."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recordings import record_run

from harness.recording.latest import point_latest
from harness.recording.reader import find_runs


@pytest.fixture
def runs(tmp_path):
    return [record_run(tmp_path / f"run-{number}", "PASS") for number in range(3)]


def test_it_is_the_newest(runs):
    for folder in runs:
        point_latest(folder)
        assert folder == (folder.parent / "latest").resolve()
        assert Path(folder.name) == (folder.parent / "latest").readlink(), "a folder of runs can be moved"


def test_it_is_not_found_as_another_run(runs):
    point_latest(runs[1])
    assert runs == find_runs(runs[0].parent)
    assert [runs[1]] == find_runs(runs[0].parent / "latest")


def test_runs_that_begin_at_once_leave_one_of_them_and_nothing_else(runs):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(point_latest, runs * 50))
    folder = runs[0].parent
    assert (folder / "latest").resolve() in runs
    assert {"latest", *(run.name for run in runs)} == {path.name for path in folder.iterdir()}


def test_it_is_there_at_every_moment(runs):
    point_latest(runs[0])
    with ThreadPoolExecutor(1) as pool:
        pointing = pool.submit(lambda: [point_latest(run) for run in runs * 100])
        while not pointing.done():
            assert (runs[0].parent / "latest").resolve() in runs


def test_a_file_system_without_such_links_says_nothing(runs, monkeypatch):
    def refuse(*_, **__):
        raise OSError("not supported")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    point_latest(runs[0])
    assert not (runs[0].parent / "latest").exists()


def test_a_folder_of_that_name_is_left_alone(runs):
    (runs[0].parent / "latest").mkdir()
    point_latest(runs[0])
    assert not (runs[0].parent / "latest").is_symlink()
    assert {"latest", *(run.name for run in runs)} == {path.name for path in runs[0].parent.iterdir()}
