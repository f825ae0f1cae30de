"""Clients of a real trunk get the same bits whatever the relay between them does."""

from dataclasses import replace

import pytest
import torch
from peer import SECONDS
from trunk.server import Trunk, hello_of

from harness.plan.faults.message_rule import MessageRule
from harness.relay.relay import Relay
from splitlearn.runtime import real_runtime
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.trunk_link import Commit, Position


class Run:
    """A real trunk behind a relay, and clients of it."""

    def __init__(self, config, notes):
        self.config = config
        self.failures = []
        self._trunk = Trunk(config, max_sessions=2)
        self._transports = []
        self.relay = Relay(self._trunk.address, notes)

    def client(self):
        self._transports.append(GrpcTransport(self.config.but(trunk_address=self.relay.address), lambda _: None))
        policy = RetryPolicy(SECONDS, SECONDS, first_delay=0.001, max_delay=0.01)

        def failed(method, error, _count):
            self.failures.append((method, error.reason))

        runtime = real_runtime()
        calls = ReliableCalls(self._transports[-1], policy, runtime.clock, failed)
        return RemoteTrunk(calls, self.config, runtime)

    def stop(self):
        for transport in self._transports:
            transport.close()
        with self.relay:
            pass
        self._trunk.stop()


@pytest.fixture
def run(config, notes):
    made = Run(config, notes)
    yield made
    made.stop()


ONLY = Position(0, 0, 1)
HIDDEN = torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(2, 6, dtype=torch.int64)


def step_of(client, hello):
    """Train one step; return everything that the trunk answered."""
    welcome = client.open(hello)
    features = client.forward(ONLY, HIDDEN, MASK, None).result()
    backward = client.backward(ONLY, HIDDEN).result()
    gradients = client.gradients(0)
    state = client.save(1, Commit(0, 0.1, None, skip=False))
    tensors = [features, backward.smashed_grad_BTH, *gradients.values()]
    return welcome.fingerprint, state, backward.norms, [tensor.numpy().tobytes() for tensor in tensors]


METHODS = ("OpenSession", "Compute", "Backward", "GetGradients", "SyncTrainingState")
ANYWHERE = [(method, kind) for method in METHODS for kind in ("lose request", "lose reply", "duplicate", "hold")]
DAMAGED = [(method, f"corrupt {side}") for method in METHODS for side in ("request", "reply")]


@pytest.mark.parametrize(("method", "kind"), [*ANYWHERE, *DAMAGED])
def test_a_client_gets_the_same_bits_from_a_real_trunk_whatever_the_relay_does(run, config, notes, method, kind):
    expected = step_of(run.client(), hello_of(config, session="undisturbed"))
    assert (run.failures, notes) == ([], [])
    run.relay.arm(MessageRule(method, kind))

    assert expected == step_of(run.client(), hello_of(config, session="disturbed"))
    assert [method] == [fields["method"] for _, fields in notes]
    if kind == "duplicate":
        assert notes[0][1]["same"]
    else:
        reason = Reason.CORRUPT if kind.startswith("corrupt") else Reason.TRANSPORT
        assert [(method, reason)] == run.failures


def test_a_request_that_comes_when_another_client_took_over_is_refused(run, config, notes):
    first, hello = run.client(), hello_of(config)
    first.open(hello)
    run.relay.arm(MessageRule("Compute", "hold"))
    answer = first.forward(ONLY, HIDDEN, MASK, None)
    with pytest.raises(WireError, match="kept back"):
        answer._attempt.result()
    run.client().open(replace(hello, take_over=True))
    run.relay.deliver_late()

    refused = {"method": "Compute", "code": "ABORTED", "reason": "STALE_INCARNATION"}
    assert ("request.delivered", refused) == notes[-1]
