"""The relay mishandles the messages that it was told to, and no others."""

import grpc
import pytest
from peer import SECONDS, SERVICE, ask, assert_unavailable, ended, refusing, stream

from harness.errors import HarnessError
from harness.plan.faults.message_rule import MessageRule
from splitlearn.wire.errors import Reason
from splitlearn.wire.status import wire_error


def test_a_lost_request_never_arrives(peer, relay, channel, notes):
    relay.arm(MessageRule("Compute", "lose request"))

    assert ask(channel, "Backward", b"another method").result() == b"another method"
    assert_unavailable(ended(ask(channel, "Compute", b"lost")))
    assert ask(channel, "Compute", b"once").result() == b"once"
    assert [b"another method", b"once"] == [peer.next_body(), peer.next_body()]
    assert notes == [("request.lost", {"method": "Compute"})]


@pytest.mark.parametrize("call", [ask, stream])
def test_a_lost_reply_was_carried_out(peer, relay, channel, notes, call):
    relay.arm(MessageRule("GetGradients", "lose reply"))
    lost = call(channel, "GetGradients")
    with pytest.raises(grpc.RpcError):
        list(lost) if call is stream else lost.result(SECONDS)

    assert_unavailable(lost)
    assert peer.next_body() == b"x"
    assert notes == [("reply.lost", {"method": "GetGradients", "code": "OK", "reason": ""})]


def test_a_lost_refusal_is_reported_with_its_reason(peer, relay, channel, notes):
    peer.answer = refusing
    relay.arm(MessageRule("Compute", "lose reply"))

    assert_unavailable(ended(ask(channel, "Compute")))
    assert notes == [("reply.lost", {"method": "Compute", "code": "OUT_OF_RANGE", "reason": "STEP_IN_PAST"})]


def test_a_doubled_request_arrives_twice_and_its_second_answer_is_given(peer, relay, channel, notes):
    replies = iter([b"same", b"same", b"first", b"second"])
    peer.answer = lambda _body, _context: iter([next(replies)])
    for answer in (b"same", b"second"):
        relay.arm(MessageRule("OpenSession", "duplicate"))
        assert answer == ask(channel, "OpenSession", b"twice").result()

    assert [b"twice"] * 4 == [peer.next_body() for _ in range(4)]
    assert notes == [
        ("request.doubled", {"method": "OpenSession", "same": same, "carried_out": True}) for same in (True, False)
    ]


def test_an_answer_that_is_another_the_second_time_is_reported_even_when_it_is_a_refusal(peer, relay, channel, notes):
    def first_the_body(body, _context):
        peer.answer = refusing
        yield body

    peer.answer = first_the_body
    relay.arm(MessageRule("SyncTrainingState", "duplicate"))

    assert wire_error(ended(ask(channel, "SyncTrainingState")), encrypted=False).reason is Reason.STEP_IN_PAST
    assert notes == [("request.doubled", {"method": "SyncTrainingState", "same": False, "carried_out": False})]


def test_a_held_request_is_delivered_late(peer, relay, channel, notes):
    relay.arm(MessageRule("Compute", "hold"))
    assert_unavailable(ended(ask(channel, "Compute", b"late", metadata=[("authorization", "Bearer x")])))
    assert ask(channel, "Compute", b"before").result() == b"before"
    relay.deliver_late()

    assert peer.next_body() == b"before"
    method, body, metadata, _ = peer.received.get(timeout=SECONDS)
    assert (SERVICE + "Compute", b"late", "Bearer x") == (method, body, metadata["authorization"])
    delivered = {"method": "Compute", "code": "OK", "reason": ""}
    assert notes == [("request.kept", {"method": "Compute"}), ("request.delivered", delivered)]
    with pytest.raises(HarnessError, match="holds no request"):
        relay.deliver_late()


@pytest.mark.parametrize("side", ["request", "reply"])
@pytest.mark.parametrize(("body", "spot"), [(b"x", "middle"), (bytes(range(64)), "tail")], ids=["x", "64"])
def test_one_bit_is_altered_once(peer, relay, channel, notes, side, body, spot):
    relay.arm(MessageRule("GetGradients", f"corrupt {side}", spot))
    peer.answer = lambda body, _context: iter([body, body])
    first, second = stream(channel, "GetGradients", body)
    spoiled = peer.next_body() if side == "request" else first

    assert 1 == sum((a ^ b).bit_count() for a, b in zip(body, spoiled, strict=True))
    assert second == (spoiled if side == "request" else body)
    assert notes == [(f"{side}.corrupted", {"method": "GetGradients"})]
    assert [body, body] == list(stream(channel, "GetGradients", body)), "once"


def test_a_refusal_is_not_corrupted_but_the_next_reply_is(peer, relay, channel, notes):
    relay.arm(MessageRule("Compute", "corrupt reply"))
    peer.answer, echo = refusing, peer.answer
    assert wire_error(ended(ask(channel, "Compute")), encrypted=False).reason is Reason.STEP_IN_PAST
    assert notes == []
    peer.answer, body = echo, b"a reply"

    assert body != ask(channel, "Compute", body).result()
    assert notes == [("reply.corrupted", {"method": "Compute"})]
