"""Message checksums: the same bytes as ever, without a copy of the message."""

import struct
import tracemalloc
import zlib

import pytest

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, origin_of, verify, with_checksum
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.methods import METHODS

COMPUTE = METHODS["Compute"]
MIB = 1 << 20
LARGE = 16 * MIB


def formula(body, origin):
    """Return what the protocol says that a message's bytes are."""
    return body + bytes([15 << 3 | 5]) + struct.pack("<I", zlib.crc32(body, origin))


def peak(call, *arguments):
    """Return the peak of bytes that Python allocated on top of what it held before."""
    tracemalloc.start()
    try:
        call(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [0, 1, 5, 1000, MIB])
def test_the_bytes_are_those_of_the_protocol(size):
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert formula(body, 7) == with_checksum(body, 7)
    assert bytes(range(256)) * (size // 256) + bytes(size % 256) == body, "the body is its holder's"


@pytest.mark.parametrize("name", METHODS)
def test_requests_and_replies_of_every_method_end_with_the_checksum(name):
    method = METHODS[name]
    request = method.write_request(method.request_type())
    assert formula(b"", zlib.crc32(name.encode())) == request
    first, second = method.write_replies([method.reply_type()] * 2, checksum_of(request))
    assert formula(b"", checksum_of(request)) == first
    assert formula(b"", checksum_of(first)) == second
    assert [method.reply_type()] * 2 == [*method.read_replies([first, second], request)]


def test_a_large_message_is_not_copied_for_its_checksum():
    request = pb.ComputeRequest(smashed=pb.Tensor(data=bytes(LARGE)))
    data = COMPUTE.write_request(request)

    assert peak(request.SerializeToString) < 1.05 * LARGE
    assert peak(COMPUTE.write_request, request) < 1.2 * LARGE
    assert peak(verify, data, origin_of("Compute")) < MIB
    assert peak(COMPUTE.read_request, data) < MIB


def test_a_decoded_message_is_the_one_that_was_encoded():
    request = pb.ComputeRequest(inference=True, smashed=pb.Tensor(data=b"x" * 100))
    assert request == COMPUTE.read_request(COMPUTE.write_request(request))


def test_a_field_that_runs_into_the_checksum_makes_no_message():
    """Field 1 claims five bytes more than there are before the checksum, which would be its last."""
    data = with_checksum(b"\x82\x01\x05", origin_of("Compute"))
    with pytest.raises(WireError) as caught:
        COMPUTE.read_request(data)
    assert Reason.BAD_REQUEST is caught.value.reason
