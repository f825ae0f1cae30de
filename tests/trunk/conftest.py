import grpc
import pytest
import torch
from trunk.server import Trunk

from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.session import TrunkSession


@pytest.fixture
def session(config):
    return TrunkSession(FAMILY.load_trunk(config)[0], config, NullProbe(), NullTensorLog())


@pytest.fixture(name="hidden_BTH")
def hidden():
    return torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(name="mask_BT")
def mask():
    return torch.ones(2, 6, dtype=torch.int64)


@pytest.fixture
def serve():
    """Start trunks on ports of their own; they stop when the test ends."""
    trunks = []

    def start(config, **options):
        trunks.append(Trunk(config, **options))
        return trunks[-1]

    yield start
    for trunk in trunks:
        trunk.stop()


@pytest.fixture
def channel(config, serve):
    with grpc.insecure_channel(serve(config).address) as opened:
        yield opened
