"""A method's name and bytes become bytes or a refusal, without a server."""

import pytest
import torch
from trunk.calling import compute_request, refusal
from trunk.server import hello_of, opening_of, service_of

from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of, origin_of, with_checksum
from splitlearn.wire.errors import Code, Reason
from splitlearn.wire.messages import key_message
from splitlearn.wire.methods import METHODS
from splitlearn.wire.trunk_link import Position

OPENING = METHODS["OpenSession"]


@pytest.fixture
def dispatch(config):
    return Dispatch(service_of(config))


def opened(dispatch, config):
    """Open a session; returns its incarnation."""
    request = OPENING.write_request(opening_of(hello_of(config)))
    (reply,) = dispatch("OpenSession", request)
    return OPENING.read_reply(reply, request).incarnation


def test_a_reply_is_one_to_its_own_request(dispatch, config):
    request = OPENING.write_request(opening_of(hello_of(config)))
    (reply,) = dispatch("OpenSession", request)

    assert OPENING.read_reply(reply, request).incarnation
    other = OPENING.write_request(opening_of(hello_of(config), number=2))
    assert Reason.CORRUPT is refusal(OPENING.read_reply, reply, other).reason


def test_every_reply_of_a_stream_goes_on_from_the_one_before(dispatch, config):
    at, hidden_BTH = Position(0, 0, 2), torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(0))
    incarnation = opened(dispatch, config)
    forward = compute_request(incarnation, hidden_BTH, at)
    dispatch("Compute", METHODS["Compute"].write_request(forward))
    backward = pb.BackwardRequest(key=forward.key, features_grad=forward.smashed)
    dispatch("Backward", METHODS["Backward"].write_request(backward))
    method = METHODS["GetGradients"]
    asked = method.write_request(pb.GetGradientsRequest(key=key_message(config.session, incarnation, at)))
    replies = dispatch("GetGradients", asked)

    gradients = [*method.read_replies(replies, asked)]
    assert 0 == gradients[-1].left < gradients[0].left == len(replies) - 1 > 1
    assert Reason.CORRUPT is refusal(lambda: [*method.read_replies(replies[1:], asked)]).reason


def test_what_cannot_be_read_is_refused_before_anything_is_computed(dispatch):
    dispatch.service = None
    empty = with_checksum(b"", origin_of("Compute"))
    refusals = {
        "damaged": refusal(dispatch, "Compute", empty[:-1] + b"x"),
        "of another method": refusal(dispatch, "Backward", empty),
        "no message": refusal(dispatch, "Compute", with_checksum(b"\xff\xff", origin_of("Compute"))),
        "no method": refusal(dispatch, "Nonsense", b""),
    }
    assert {
        "damaged": Reason.CORRUPT,
        "of another method": Reason.CORRUPT,
        "no message": Reason.BAD_REQUEST,
        "no method": Reason.TRANSPORT,
    } == {kind: error.reason for kind, error in refusals.items()}
    assert Code.UNIMPLEMENTED is refusals["no method"].code


def test_a_bug_of_the_service_is_a_refusal_and_logged(dispatch, caplog):
    class Wrong:
        def compute(self, _request):
            raise ZeroDivisionError("a planted bug")

    dispatch.service = Wrong()
    error = refusal(dispatch, "Compute", METHODS["Compute"].write_request(pb.ComputeRequest()))

    assert (Reason.BUG, "ZeroDivisionError: a planted bug") == (error.reason, error.message)
    assert "Traceback" in caplog.text


def test_every_method_of_the_contract_is_answered(dispatch):
    """Each by the service, which knows no such session, or wants other settings."""
    reasons = {
        name: refusal(dispatch, name, method.write_request(method.request_type())).reason
        for name, method in METHODS.items()
    }
    assert {Reason.MISMATCH, Reason.UNKNOWN_SESSION} == set(reasons.values())


def test_the_checksum_of_a_request_is_that_of_its_bytes(dispatch, config):
    request = OPENING.write_request(opening_of(hello_of(config)))
    assert checksum_of(request) == dispatch.read("OpenSession", request).checksum
