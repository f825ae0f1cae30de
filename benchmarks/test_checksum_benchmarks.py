"""The cost of a message checksum on either side, for a message with a 16 MiB tensor, and what copies would cost."""

import os
import struct
import time
import zlib
from statistics import median

import pytest

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import verify, with_checksum
from splitlearn.wire.methods import METHODS

COMPUTE = METHODS["Compute"]
REQUEST = pb.ComputeRequest(smashed=pb.Tensor(data=os.urandom(16 << 20)))
DATA = COMPUTE.write_request(REQUEST)
TURNS = 15


@pytest.mark.benchmark(group="checksum")
def test_write_a_request(benchmark):
    assert DATA == benchmark(COMPUTE.write_request, REQUEST)


@pytest.mark.benchmark(group="checksum")
def test_read_a_request(benchmark):
    assert REQUEST == benchmark(COMPUTE.read_request, DATA)


def appended(body, origin):
    """Append the checksum to a message's bytes by copying them."""
    return body + struct.pack("<BI", 15 << 3 | 5, zlib.crc32(body, origin))


def cut_off(data, origin):
    """Verify a message by copying everything before its checksum."""
    body = data[:-5]
    assert data[-4:] == struct.pack("<I", zlib.crc32(body, origin))
    return body


def seconds(call, *arguments):
    began = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - began


def test_copies_that_are_not_made(say):
    """Time copying and not copying in turns, so that the machine's load affects both alike."""
    data = with_checksum(DATA, 7)
    serialize = REQUEST.SerializeToString
    write, write_by_copy, read, read_by_copy = [], [], [], []
    for _ in range(TURNS):
        write.append(seconds(lambda: with_checksum(serialize(), 7)))
        write_by_copy.append(seconds(lambda: appended(serialize(), 7)))
        read.append(seconds(verify, data, 7))
        read_by_copy.append(seconds(cut_off, data, 7))

    for name, new, old in (("writing", write, write_by_copy), ("checking", read, read_by_copy)):
        say(f"{name} without copies: {median(new) / median(old):.2f} of the time with them")
    assert median(read) < median(read_by_copy)
