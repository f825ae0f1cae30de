"""Calls and late deliveries end with the relay."""

import threading

import grpc
import pytest
from peer import SECONDS, ask, ended

from harness.errors import HarnessError
from harness.plan.faults.message_rule import MessageRule
from harness.relay.relay import Relay


def test_a_call_in_flight_ends_with_the_relay(peer, notes):
    go = threading.Event()
    peer.answer = lambda body, _context: iter([go.wait(SECONDS) and body])
    with Relay(peer.address, notes) as relay, grpc.insecure_channel(relay.address) as channel:
        call = ask(channel, "Compute", timeout=None)
        assert peer.next_body() == b"x"
        relay.__exit__(None, None, None)
        assert grpc.StatusCode.OK is not ended(call).code()
        assert peer.given_up.wait(SECONDS)
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("relay")] == []
        go.set()
        with pytest.raises(HarnessError, match="holds no request"):
            relay.deliver_late()


def test_a_late_delivery_in_flight_ends_with_the_relay(peer, notes):
    go = threading.Event()
    peer.answer = lambda body, _context: iter([go.wait(SECONDS) and body])
    with Relay(peer.address, notes) as relay, grpc.insecure_channel(relay.address) as channel:
        relay.arm(MessageRule("Compute", "hold"))
        ended(ask(channel, "Compute"))
        delivery = threading.Thread(target=relay.deliver_late)
        delivery.start()
        assert peer.next_body() == b"x"
    delivery.join(SECONDS)
    assert not delivery.is_alive()
    assert notes[-1] == ("request.delivered", {"method": "Compute", "code": "CANCELLED", "reason": ""})
    go.set()


def test_a_delivery_after_the_end_is_refused(peer, notes):
    with Relay(peer.address, notes) as relay, grpc.insecure_channel(relay.address) as channel:
        relay.arm(MessageRule("Compute", "hold"))
        ended(ask(channel, "Compute"))
    with pytest.raises(HarnessError, match="has ended"):
        relay.deliver_late()
