"""A peer, a relay before it, and what the relay tells the trace."""

import grpc
import pytest
from peer import Peer

from harness.relay.relay import Relay


@pytest.fixture
def peer():
    made = Peer()
    yield made
    made.stop()


class Notes(list):
    """What the relay told the trace."""

    def __call__(self, source, point, **fields):
        assert source == "relay"
        self.append((point.removeprefix("relay."), fields))


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def relay(peer, notes):
    with Relay(peer.address, notes) as opened:
        yield opened


@pytest.fixture
def channel(relay):
    with grpc.insecure_channel(relay.address, [("grpc.max_receive_message_length", -1)]) as opened:
        yield opened
