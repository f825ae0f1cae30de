"""What a seal costs at either side of a message of 3 MiB."""

import os

import pytest

from splitlearn.wire.seal import sealed, unsealed

BODY = os.urandom(3 << 20)


@pytest.mark.benchmark(group="seal")
def test_seal(benchmark):
    assert len(BODY) < len(benchmark(sealed, BODY, 7))


@pytest.mark.benchmark(group="seal")
def test_unseal(benchmark):
    assert BODY == benchmark(unsealed, sealed(BODY, 7), 7)
