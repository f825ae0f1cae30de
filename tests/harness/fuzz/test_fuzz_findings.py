"""A trunk that does not refuse a malformed request properly is detected."""

import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import pytest
from malformed import ELSEWHERE, SECONDS

from harness.fuzz import calls as fuzz_calls
from harness.fuzz import raw as fuzz_raw
from harness.fuzz import sending
from harness.fuzz.attack import Answer, Attack
from harness.fuzz.raw import SILENT
from harness.fuzz.sending import fuzz
from harness.fuzz.sequence import attacks
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.status import status_of

REFUSAL = Answer("INVALID_ARGUMENT", "BAD_SHAPE", "shape (1, 2, 3); expected anyxanyx32")
WRONG = {
    "accepted": Answer("OK", "", ""),
    "not answered in time": Answer("DEADLINE_EXCEEDED", "", "Deadline Exceeded"),
    "instead of NON_FINITE": REFUSAL,
    "UNKNOWN": Answer("UNKNOWN", "", "Exception calling application"),
    "INTERNAL BUG": Answer("INTERNAL", "BUG", "KeyError"),
    "UNAVAILABLE": Answer("UNAVAILABLE", "", "Socket closed"),
    "whose code should be INVALID_ARGUMENT": replace(REFUSAL, code="UNAVAILABLE"),
    "without saying why": replace(REFUSAL, details="no"),
}


@pytest.mark.parametrize(("words", "answer"), WRONG.items(), ids=WRONG)
def test_an_answer_that_is_no_proper_refusal_is_a_finding(words, answer):
    reason = "NON_FINITE" if answer is REFUSAL else ""

    assert words in Attack("kind", "Compute", b"", reason).finding(answer)
    assert Attack("kind", "Compute", b"").finding(REFUSAL) == ""
    assert Attack("kind", "Compute", b"", "BAD_SHAPE").finding(REFUSAL) == ""


class Sloppy(grpc.GenericRpcHandler):
    """A server that answers every request in one way."""

    def __init__(self, answer):
        def behavior(_body, context):
            return answer(context)

        self._handler = grpc.unary_unary_rpc_method_handler(behavior)
        self._threads = ThreadPoolExecutor(8)
        self._server = grpc.server(self._threads, [self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, _details):
        return self._handler

    def stop(self):
        self._server.stop(None).wait(SECONDS)
        self._threads.shutdown()


def bug(context):
    context.abort_with_status(status_of(WireError(Reason.BUG, "KeyError: 7")))


def only_corrupt(context):
    context.abort_with_status(status_of(WireError(Reason.CORRUPT, "always")))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _context: b"", "was accepted"),
        (bug, "INTERNAL BUG"),
        (only_corrupt, "was refused as DATA_LOSS CORRUPT instead of"),
        (lambda _context: threading.Event().wait(1.0) and b"", "not answered in time"),
    ],
    ids=["accepts all", "bug", "one reason for all", "hangs"],
)
def test_a_sloppy_trunk_is_found_out(monkeypatch, small_pool, answer, words):
    monkeypatch.setattr(fuzz_calls, "DEADLINE_SECONDS", 0.2 if "time" in words else SECONDS)
    monkeypatch.setattr(sending, "attacks", without_connections)
    sloppy = Sloppy(answer)
    report = fuzz(replace(ELSEWHERE, address=sloppy.address), 1, 60, threading.Event())
    sloppy.stop()

    assert report.sent == 60
    assert any(words in finding for finding in report.findings)


def without_connections(target, seed):
    return (attack for attack in attacks(target, seed) if isinstance(attack, Attack))


def connections_only(target, seed):
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    yield SILENT
    while True:
        yield fuzz_raw.drawn(chance)


def test_a_connection_that_stays_open_is_found_out(monkeypatch):
    monkeypatch.setattr(fuzz_raw, "CLOSED_WITHIN_SECONDS", 0.1)
    monkeypatch.setattr(sending, "attacks", connections_only)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        report = fuzz(replace(ELSEWHERE, address=address), 1, 40, threading.Event())

    assert report.answers["still open"] > 20
    assert "did not close it in time" in report.findings[0]
