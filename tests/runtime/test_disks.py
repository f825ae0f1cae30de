"""The disk in memory does what the machine's does, and loses in a crash what that may lose."""

import errno
import os
from pathlib import Path

import pytest
from runtime.crashing import mixture

from splitlearn.runtime.disk import SystemDisk
from splitlearn.runtime.durable import make_folder, write_atomically
from splitlearn.runtime.simulated import MemoryDisk
from splitlearn.runtime.simulated.memory_disk import everything


@pytest.fixture(params=[SystemDisk, MemoryDisk])
def disk(request, tmp_path):
    """Each kind of disk in turn; both have the test's folder."""
    made = request.param()
    made.make_folder(tmp_path)
    return made


def test_what_is_written_is_read_and_written_over(disk, tmp_path):
    for data in (b"one", b"", b"\x00longer than before"):
        disk.write(tmp_path / "file", data)
        assert data == disk.read(tmp_path / "file")
        with disk.as_file(tmp_path / "file") as place:
            assert data == place.read_bytes()
    assert ["file"] == disk.names(tmp_path)


def test_appended_lines_that_are_synced_outlive_a_crash():
    disk = MemoryDisk()
    path = Path("/folder/lines")
    make_folder(disk, path.parent)
    with disk.append_lines(path) as add:
        add(b"one\n")
        disk.sync_file(path)
        disk.sync_folder(path.parent)
        add(b"two\n")
    disk.crash()

    assert disk.read(path) == b"one\n"


def test_a_file_is_synced(disk, tmp_path):
    disk.write(tmp_path / "file", b"bytes")
    disk.sync_file(tmp_path / "file")

    with pytest.raises(FileNotFoundError):
        disk.sync_file(tmp_path / "none")


def test_a_rename_replaces_a_file_and_takes_a_folder_with_all_that_is_in_it(disk, tmp_path):
    disk.write(tmp_path / "new", b"new")
    disk.write(tmp_path / "old", b"old")
    disk.rename(tmp_path / "new", tmp_path / "old")
    disk.make_folder(tmp_path / "a" / "b")
    disk.write(tmp_path / "a" / "b" / "c", b"below")
    disk.rename(tmp_path / "a", tmp_path / "z")

    assert ["old", "z"] == sorted(disk.names(tmp_path))
    assert (b"new", b"below") == (disk.read(tmp_path / "old"), disk.read(tmp_path / "z" / "b" / "c"))
    assert not disk.exists(tmp_path / "a" / "b")


def test_what_is_removed_is_gone_and_may_be_gone_already(disk, tmp_path):
    disk.make_folder(tmp_path / "a" / "b")
    disk.write(tmp_path / "a" / "b" / "c", b"")
    disk.write(tmp_path / "file", b"")
    disk.remove_folder(tmp_path / "a")
    for _ in range(2):
        disk.remove(tmp_path / "file")

    assert [] == disk.names(tmp_path)


def test_a_folder_may_exist_already_and_a_missing_one_is_empty(disk, tmp_path):
    for _ in range(2):
        disk.make_folder(tmp_path / "a" / "b")
    disk.sync_folder(tmp_path / "a")

    assert disk.exists(tmp_path / "a" / "b")
    assert ["b"] == disk.names(tmp_path / "a")
    assert [] == disk.names(tmp_path / "nowhere" / "at all")


def test_lines_are_added_behind_the_last_whole_one(disk, tmp_path):
    for _ in range(2):
        with disk.append_lines(tmp_path / "log") as add:
            add(b"one\n")
            add(b"two\nto")
            add(b"rn")

    assert b"one\ntwo\none\ntwo\ntorn" == disk.read(tmp_path / "log")


@pytest.mark.parametrize(
    ("error", "act"),
    [
        (FileNotFoundError, lambda disk, at: disk.read(at / "nothing")),
        (FileNotFoundError, lambda disk, at: disk.write(at / "nowhere" / "file", b"")),
        (FileNotFoundError, lambda disk, at: disk.rename(at / "nothing", at / "else")),
        (FileNotFoundError, lambda disk, at: disk.remove_folder(at / "nothing")),
        (FileNotFoundError, lambda disk, at: disk.sync_folder(at / "nothing")),
        (IsADirectoryError, lambda disk, at: disk.read(at)),
        (NotADirectoryError, lambda disk, at: disk.write(at / "file" / "below", b"")),
        (OSError, lambda disk, at: disk.make_folder(at / "file" / "below")),
    ],
)
def test_what_cannot_be_done_is_refused_alike(disk, tmp_path, error, act):
    disk.write(tmp_path / "file", b"")
    with pytest.raises(error):
        act(disk, tmp_path)


@pytest.fixture(params=["system", "memory"])
def failing(request, tmp_path, monkeypatch):
    """Each kind of disk with a function that lets the next sync fail."""
    errors = []

    def fail_if_due(path):
        if errors:
            raise OSError(errors.pop(), "as planned", str(path))

    if request.param == "system":
        sync = os.fsync
        monkeypatch.setattr(os, "fsync", lambda descriptor: (fail_if_due(tmp_path), sync(descriptor)))
        return SystemDisk(), errors.append
    disk = MemoryDisk(lambda change, path: fail_if_due(path) if change.startswith("sync") else None)
    make_folder(disk, tmp_path)
    return disk, errors.append


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_file_that_cannot_be_synced_leaves_the_old_one_and_the_next_can_be_written(failing, tmp_path, error):
    disk, fail = failing
    write_atomically(disk, tmp_path / "file", b"old")
    fail(error)
    with pytest.raises(OSError, match="as planned") as caught:
        write_atomically(disk, tmp_path / "file", b"new")

    assert caught.value.errno == error
    assert ["file"] == disk.names(tmp_path)
    assert b"old" == disk.read(tmp_path / "file")

    write_atomically(disk, tmp_path / "file", b"newer")
    assert b"newer" == disk.read(tmp_path / "file")


def crashed(disk, choose=lambda _: 0):
    disk.crash(choose)
    return disk


@pytest.fixture
def memory(tmp_path):
    made = MemoryDisk()
    make_folder(made, tmp_path)
    return made


def test_synced_bytes_are_lost_if_their_files_name_was_not_synced(memory, tmp_path):
    memory.write(tmp_path / "file", b"data")
    assert not crashed(memory).exists(tmp_path / "file")
    memory.write(tmp_path / "file", b"data")
    memory.sync_folder(tmp_path)

    assert b"data" == crashed(memory).read(tmp_path / "file")


def test_a_rename_is_undone_unless_its_folder_is_synced(memory, tmp_path):
    write_atomically(memory, tmp_path / "file", b"old")
    memory.write(tmp_path / "other", b"new")
    memory.rename(tmp_path / "other", tmp_path / "file")
    assert b"new" == memory.read(tmp_path / "file")

    assert b"old" == crashed(memory).read(tmp_path / "file")
    assert ["file"] == memory.names(tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_an_unsynced_rename_is_kept_or_undone_and_never_half_done(memory, tmp_path, seed):
    write_atomically(memory, tmp_path / "a", b"data")
    memory.rename(tmp_path / "a", tmp_path / "b")
    memory.rename(tmp_path / "b", tmp_path / "c")

    (left,) = crashed(memory, mixture(seed)).names(tmp_path)
    assert b"data" == memory.read(tmp_path / left)


def test_unsynced_lines_may_be_lost_torn_or_kept(memory, tmp_path):
    found = set()
    for seed in range(200):
        with memory.append_lines(tmp_path / "log") as add:
            memory.sync_folder(tmp_path)
            add(b"a line\n")
        found.add(crashed(memory, mixture(seed)).read(tmp_path / "log")[:7])
        memory.remove(tmp_path / "log")

    assert {b"", b"a line\n"} < found
    assert all(b"a line\n".startswith(data) for data in found)
    assert len(found) > 2


def test_everything_unsynced_may_have_reached_the_disk(memory, tmp_path):
    memory.make_folder(tmp_path / "a" / "b")
    with memory.append_lines(tmp_path / "a" / "b" / "log") as add:
        add(b"line\n")

    assert b"line\n" == crashed(memory, everything).read(tmp_path / "a" / "b" / "log")
    assert not crashed(memory).exists(tmp_path / "a" / "b" / "other")
