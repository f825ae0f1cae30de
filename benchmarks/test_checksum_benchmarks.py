"""What a checksum costs at either side of a message of 3 MiB."""

import os

import pytest

from splitlearn.wire.checksum import verified, with_checksum

BODY = os.urandom(3 << 20)


@pytest.mark.benchmark(group="checksum")
def test_append(benchmark):
    assert len(BODY) < len(benchmark(with_checksum, BODY, 7))


@pytest.mark.benchmark(group="checksum")
def test_verify(benchmark):
    assert BODY == benchmark(verified, with_checksum(BODY, 7), 7)
