"""The tape counts the memory that its entries really take, and adding one costs the same however many there are."""

import ctypes
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch

from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.tape import Graph, Tape, TapeEntry
from splitlearn.wire.trunk_link import Commit, Position

MICROBATCHES = 2000


def entry_of(nbytes=0):
    hidden_BTH = torch.zeros(1, 1, 1)
    return TapeEntry(hidden_BTH, torch.ones(1, 1, dtype=torch.int64), Graph(hidden_BTH, hidden_BTH, nbytes))


@pytest.mark.parametrize("room", [1, MICROBATCHES // 4, 2 * MICROBATCHES], ids=["no", "little", "enough"])
def test_an_entry_is_counted_as_often_however_many_there_are(monkeypatch, room):
    """Operations are counted, not seconds: an entry is counted when it is put, and when something of it is dropped."""
    counted, count = [], TapeEntry.nbytes.fget
    monkeypatch.setattr(TapeEntry, "nbytes", property(lambda entry: counted.append(entry) or count(entry)))
    tape = Tape(room * (entry_of(10_000).input_nbytes + 10_000) + 10_000)
    for microbatch in range(MICROBATCHES):
        tape.put(microbatch, entry_of(10_000))

    assert len(counted) <= 4 * MICROBATCHES
    assert tape.nbytes <= tape.max_bytes


def test_the_count_is_that_of_all_entries_whatever_is_dropped():
    tape = Tape(20 * entry_of().input_nbytes)
    for microbatch in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5):
        tape.put(microbatch, entry_of(300 * microbatch), beside=40 * microbatch)
        assert tape.nbytes == sum(entry.nbytes for entry in tape.entries.values()) <= tape.max_bytes - 40 * microbatch
    tape.clear()
    assert (tape.nbytes, tape.entries) == (0, {})


def test_graphs_are_dropped_from_the_last_then_inputs():
    size = entry_of().input_nbytes
    tape = Tape(4 * size + 2 * 10_000)
    for microbatch in range(3):
        tape.put(microbatch, entry_of(10_000))
    assert [bool(tape.entries[microbatch].graph) for microbatch in range(3)] == [True, False, True]

    tape.shrink(2, beside=2 * size + 2 * 10_000)
    assert list(tape.entries) == [0, 2]


class Mallinfo(ctypes.Structure):
    """What glibc says of its memory."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in "abcdefghij")  # `h` counts the bytes in use


def allocated():
    """Count the bytes that malloc has given out: not those that it keeps, which depend on what ran before."""
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Mallinfo
    return libc.mallinfo2().h


@pytest.fixture(scope="module")
def measured():
    """Call a function of a config in a separate process: here, what other tests leave behind is given back."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda measure, config: pool.submit(measure, config).result(timeout=60)


def session_of(config):
    torch.set_num_threads(1)
    return TrunkSession(FAMILY.load_trunk(config)[0], config, NullProbe(), NullTensorLog())


def counted_and_taken(config):
    """Return the bytes of 100 small microbatches: as the tape counts them, and as malloc does."""
    session, microbatches, warm = session_of(config), 150, 50
    for microbatch in range(microbatches):
        if microbatch == warm:
            before, counted = allocated(), session._tape.nbytes
        at = Position(0, microbatch, microbatches)
        session.forward(at, torch.randn(1, 1, 32), torch.ones(1, 1, dtype=torch.int64), None)
    return session._tape.nbytes - counted, allocated() - before


def test_small_microbatches_are_counted_as_what_they_take(measured, config):
    """Most of what a small one takes are objects; a tenth of it was counted."""
    counted, taken = measured(counted_and_taken, config)

    assert counted == pytest.approx(taken, rel=0.3)


def held_and_left(config):
    """Return the bytes that three dropped steps held, and those that are still there after them."""
    session = session_of(config)

    def keep_and_drop(step):
        for microbatch in range(20):
            at = Position(step, microbatch, 20)
            session.forward(at, torch.randn(8, 24, 32), torch.ones(8, 24, dtype=torch.int64), None)
        held = session._tape.nbytes
        session.commit(Commit(step, 0.1, None, skip=True))
        return held

    keep_and_drop(0)
    before = allocated()
    return sum(keep_and_drop(step) for step in (1, 2, 3)), allocated() - before


def test_what_a_dropped_step_held_is_given_back(measured, config):
    """Seen red with a graph that holds itself, which only a backward pass can free."""
    held, left = measured(held_and_left, config)

    assert left < held / 20
