"""A change of the connection's state is reported only if it has changed."""

import queue

import pytest
from trunk.server import Trunk, hello_of, opening_of

from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.methods import METHODS

SECONDS = 20.0


@pytest.fixture
def trunk(config):
    trunk = Trunk(config)
    yield trunk
    trunk.stop()


@pytest.mark.parametrize("renewed", [False, True], ids=["a first channel", "a renewed channel"])
def test_an_idle_new_channel_is_not_reported_as_a_change(config, trunk, renewed):
    """Observers take going idle for a lost connection, and gRPC may report a channel's first state in mid-run."""
    states: queue.Queue[str] = queue.Queue()
    transport = GrpcTransport(config.but(trunk_address=trunk.address), states.put)
    if renewed:
        transport.renew()

    transport.call("OpenSession", METHODS["OpenSession"].write_request(opening_of(hello_of(config))), SECONDS).result()
    told = [states.get(timeout=SECONDS)]
    while told[-1] != "READY":
        told.append(states.get(timeout=SECONDS))
    transport.close()

    assert "IDLE" not in told
