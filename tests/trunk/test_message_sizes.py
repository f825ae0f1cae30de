"""Large messages pass, and those above the limit are refused with advice."""

import torch
from trunk.calling import compute_request, open_at, opening, refused
from trunk.server import hello_of, service_of

from splitlearn.wire.errors import Code, Reason
from splitlearn.wire.tensors import encode_tensor

MIB = 1 << 20


def test_messages_above_four_mebibytes_pass(config, serve):
    """A batch of 2,000 sequences is 6 MiB."""
    link = open_at(serve(config))
    hidden_BTH = torch.randn(2000, 24, 32)
    assert hidden_BTH.nbytes > 5 * MIB

    features_BTH = link.infer(hidden_BTH, torch.ones(2000, 24)).result()
    assert hidden_BTH.shape == features_BTH.shape
    link.close()


def test_a_message_above_the_limit_is_refused_by_the_sender_with_advice(config, serve):
    config = config.but(max_message_bytes=MIB)
    link = open_at(serve(config), config)

    message = refused(
        Reason.TOO_LARGE, Code.RESOURCE_EXHAUSTED, link.infer, torch.zeros(2000, 24, 32), torch.ones(2000, 24)
    )
    assert "--max-message-bytes" in message


def test_a_message_above_the_trunks_limit_is_refused_by_the_sender_too(config, serve):
    """The client's own limit is higher, but the trunk has told its own; nothing is sent."""
    trunk, failures = serve(config.but(max_message_bytes=MIB)), []
    link = trunk.link(config, failures=failures)
    link.open(hello_of(config))

    message = refused(
        Reason.TOO_LARGE, Code.RESOURCE_EXHAUSTED, link.infer, torch.zeros(2000, 24, 32), torch.ones(2000, 24)
    )
    assert f"at most {MIB}" in message
    assert failures == []


def test_a_tensor_above_the_limit_in_a_message_below_it_is_refused(config):
    """A compressed tensor may be much larger than its message."""
    service = service_of(config.but(max_message_bytes=MIB))
    incarnation = service.open_session(opening(config)).incarnation
    request = compute_request(incarnation, torch.zeros(2000, 24, 32))
    request.smashed.CopyFrom(encode_tensor(torch.zeros(2000, 24, 32), "zlib", 1 << 30))
    assert request.ByteSize() < MIB

    assert "smashed" in refused(Reason.TOO_LARGE, Code.RESOURCE_EXHAUSTED, service.compute, request)
