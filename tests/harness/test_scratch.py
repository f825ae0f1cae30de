"""Scratch folders are in memory where there is room, and are removed."""

import shutil
import tempfile
from collections import namedtuple

import pytest

from harness.engine import scratch

Usage = namedtuple("Usage", "free")


@pytest.fixture
def memory(monkeypatch, tmp_path):
    """Provide a stand-in for the file system in memory, with just enough room."""
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr(scratch, "MEMORY", place)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(scratch.ROOM_BYTES))
    monkeypatch.delenv("TMPDIR", raising=False)
    return place


def parent():
    with scratch.scratch_folder("test") as folder:
        (folder / "file").write_bytes(b"scratch")
    assert not folder.exists()
    return folder.parent


def test_a_roomy_file_system_in_memory_is_used(memory):
    assert memory == parent()


def test_a_file_system_in_memory_that_is_nearly_full_is_not_used(memory, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(scratch.ROOM_BYTES - 1))

    assert memory != parent()


def test_without_a_file_system_in_memory_the_temporary_folder_is_used(memory):
    memory.rmdir()

    assert tempfile.gettempdir() == str(parent())


def test_the_folder_that_tmpdir_names_is_used(memory, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)

    assert tmp_path == parent()
