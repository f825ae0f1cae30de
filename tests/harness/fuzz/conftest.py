"""A trunk in the middle of its training, to be sent malformed requests."""

import pytest
from malformed import HIDDEN, MASK, MIB
from trunk.server import Trunk, hello_of

from harness.fuzz import sequence
from harness.fuzz.target import Target
from splitlearn.wire import options
from splitlearn.wire.trunk_link import Commit, Position


@pytest.fixture
def config(config):
    """A trunk's configuration with a small limit."""
    return config.but(max_message_bytes=MIB)


@pytest.fixture
def small_pool(monkeypatch):
    """Make fewer requests beforehand, which is faster."""
    monkeypatch.setattr(sequence, "EXAMPLES_PER_KIND", 20)


@pytest.fixture
def trained(config, monkeypatch, small_pool):
    """The target of a trunk with a session that has applied two steps."""
    monkeypatch.setattr(options, "HANDSHAKE_TIMEOUT_MS", 500)
    trunk = Trunk(config)
    link = trunk.link()
    welcome = link.open(hello_of(config))
    for step in range(2):
        at = Position(step, 0, 1)
        link.forward(at, HIDDEN, MASK, None).result()
        link.backward(at, HIDDEN).result()
        link.commit(Commit(step, 0.1, None, skip=False))
    yield Target(trunk.address, config.session, welcome.incarnation, 32, MIB, hello_of(config).agreement)
    assert link.commit(Commit(2, 0.1, None, skip=True)).applied_step == 3, "the session goes on"
    trunk.stop()
