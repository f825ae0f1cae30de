"""Memory of a process, as its sampler and the reference read it."""

import mmap
import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from harness.resident import own_bytes, peak_bytes

SIZE = 64 << 20
# What else the interpreter may allocate meanwhile.
NOISE = 8 << 20
READERS = [own_bytes, peak_bytes]


def test_memory_of_its_own_counts_and_a_file_that_is_mapped_does_not(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * SIZE)
    before = own_bytes(os.getpid())
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert SIZE == mapped[:].count(b"x")  # a copy, which is gone when it has been counted
        assert own_bytes(os.getpid()) - before < NOISE
    block = b"y" * SIZE
    assert abs(own_bytes(os.getpid()) - before - len(block)) < NOISE


def test_where_shared_memory_is_not_told_all_that_is_resident_counts(monkeypatch):
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=7))
    assert 7 == own_bytes(os.getpid())


def test_the_peak_outlasts_what_was_freed():
    before = peak_bytes(os.getpid())
    block = bytearray(before - psutil.Process().memory_info().rss + SIZE)
    del block
    assert peak_bytes(os.getpid()) > before + SIZE - NOISE
    assert psutil.Process().memory_info().rss < before + NOISE


def test_a_program_does_not_inherit_the_peak_of_its_parent():
    large = bytearray(SIZE)
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert peak_bytes(child.pid) < len(large)


@pytest.mark.parametrize("reader", READERS)
def test_a_process_that_has_ended_is_said_to_have(reader):
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as child:
        pass
    with pytest.raises(psutil.NoSuchProcess):
        reader(child.pid)


def test_one_that_nobody_has_waited_for_has_no_peak():
    with subprocess.Popen([sys.executable, "-S", "-c", "print('end', flush=True)"], stdout=subprocess.PIPE) as child:
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(psutil.ZombieProcess):
            peak_bytes(child.pid)
