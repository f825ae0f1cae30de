"""The relay passes every message on as it is."""

import threading
import time

import grpc
import pytest
from peer import REFUSAL, SECONDS, SERVICE, Peer, ask, assert_unavailable, ended, refusing, stream

from splitlearn.wire.status import wire_error


def test_a_message_passes_with_its_metadata_and_deadline(peer, channel):
    def answer(body, context):
        context.send_initial_metadata([("before", "1"), ("before-bin", b"\x00\xff")])
        context.set_trailing_metadata([("after", "2")])
        yield body[::-1]

    peer.answer = answer
    body = bytes(range(256)) * (1 << 15)
    call = ask(channel, "Compute", body, timeout=20, metadata=[("authorization", "Bearer x"), ("key-bin", b"\x01")])

    assert body[::-1] == call.result()
    assert (("before", "1"), ("before-bin", b"\x00\xff")) == call.initial_metadata()
    assert (("after", "2"),) == call.trailing_metadata()
    method, received, metadata, seconds_left = peer.received.get(timeout=SECONDS)
    assert (SERVICE + "Compute", True) == (method, body == received)
    assert ("Bearer x", b"\x01") == (metadata["authorization"], metadata["key-bin"])
    assert 10 < seconds_left < 20


def test_a_request_without_a_deadline_goes_on_without_one(peer, channel):
    assert ask(channel, "Compute", timeout=None).result(SECONDS) == b"x"

    assert peer.received.get(timeout=SECONDS)[3] > 1e6


def test_a_refusal_passes_with_its_reason_and_details(peer, channel):
    peer.answer = refusing
    error = wire_error(ended(ask(channel, "Backward")), encrypted=False)

    said = (REFUSAL.reason, REFUSAL.code, REFUSAL.message, REFUSAL.details)
    assert said == (error.reason, error.code, error.message, error.details)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_passes(peer, channel, code):
    peer.answer = lambda _body, context: context.abort(code, f"this is {code.name}")
    call = ended(ask(channel, "SyncTrainingState"))

    assert (code, f"this is {code.name}") == (call.code(), call.details())


def test_the_messages_of_a_stream_pass_one_by_one_and_then_its_end(peer, channel):
    heard = threading.Event()

    def answer(body, context):
        yield body + b"1"
        assert heard.wait(SECONDS)
        yield body + b"2"
        context.abort(grpc.StatusCode.DATA_LOSS, "no more")

    peer.answer = answer
    replies = stream(channel, "GetGradients")
    assert next(replies) == b"x1"
    heard.set()
    assert next(replies) == b"x2"
    with pytest.raises(grpc.RpcError):
        next(replies)
    assert (grpc.StatusCode.DATA_LOSS, "no more") == (replies.code(), replies.details())


def test_a_call_that_the_client_gives_up_is_given_up_upstream(peer, channel):
    go = threading.Event()
    peer.answer = lambda body, _context: iter([go.wait(SECONDS) and body])
    call = ask(channel, "Compute")
    assert peer.next_body() == b"x"
    assert not peer.given_up.is_set()
    call.cancel()

    assert peer.given_up.wait(SECONDS)
    go.set()


def test_the_connection_is_made_again_when_the_peer_is_started_again(peer, channel):
    assert ask(channel, "Compute").result() == b"x"
    peer.stop()
    assert_unavailable(ended(ask(channel, "Compute")))
    again = Peer(peer.address)
    give_up_at = time.monotonic() + SECONDS

    while (call := ask(channel, "Compute", b"again")).code() is not grpc.StatusCode.OK:
        assert time.monotonic() < give_up_at
    assert call.result() == again.next_body() == b"again"
    again.stop()
