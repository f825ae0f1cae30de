"""Requests at a trunk's service, and how it refuses them."""

from dataclasses import replace

import pytest
import torch
from trunk.server import hello_of, opening_of

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import WireError
from splitlearn.wire.messages import key_message
from splitlearn.wire.tensors import encode_tensor
from splitlearn.wire.trunk_link import Position


def opening(config, **changes):
    """Return the request to open a session with some settings changed."""
    hello = hello_of(config)
    return opening_of(replace(hello, agreement={**hello.agreement, **changes}))


def opened(service, config, **more):
    """Open a session as a client of this configuration."""
    return service.open_session(opening_of(hello_of(config), **more))


def open_at(trunk, config=None):
    """Open a session at a trunk and give the link."""
    link = trunk.link(config)
    link.open(hello_of(config or trunk.config))
    return link


def refused(reason, code, call, *arguments):
    """Check the reason and the code of a refusal, and give its message."""
    with pytest.raises(WireError) as caught:
        call(*arguments)
    assert (reason, code) == (caught.value.reason, caught.value.code)
    return caught.value.message


def refusal(call, *arguments, **more):
    """Return the error of a call that must be refused."""
    with pytest.raises(WireError) as caught:
        call(*arguments, **more)
    return caught.value


def requests_of(incarnation):
    """Return every kind of request that a client of this incarnation can send."""
    key = key_message("default", incarnation, Position(0, 0, 1))
    hidden = encode_tensor(torch.ones(1, 4, 32), "raw", 1 << 20)
    mask = encode_tensor(torch.ones(1, 4, dtype=torch.uint8), "raw", 1 << 20)
    actions = pb.SyncTrainingStateRequest.Action.values()
    return [
        ("compute", pb.ComputeRequest(key=key, smashed=hidden, attention_mask=mask)),
        ("compute", pb.ComputeRequest(key=key, smashed=hidden, attention_mask=mask, inference=True)),
        ("backward", pb.BackwardRequest(key=key, features_grad=hidden)),
        *(("sync_training_state", pb.SyncTrainingStateRequest(key=key, action=action)) for action in actions),
    ]


def compute_request(incarnation, hidden_BTH, at=None):
    """Return the request for a forward pass."""
    mask = encode_tensor(torch.ones(hidden_BTH.shape[:2], dtype=torch.uint8), "raw", 1 << 30)
    key = key_message("default", incarnation, at or Position(0, 0, 1))
    return pb.ComputeRequest(key=key, smashed=encode_tensor(hidden_BTH, "raw", 1 << 30), attention_mask=mask)


def saving(incarnation, step=0):
    """Return the request to save a step."""
    key = key_message("default", incarnation, Position(step, 0, 1))
    return pb.SyncTrainingStateRequest(key=key, action=pb.SyncTrainingStateRequest.ACTION_SAVE)
