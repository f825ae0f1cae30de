"""The lying trunk detects a client that believes a lie, raises, or leaves a traceback; the real client does not."""

import threading

import pytest

from harness.fuzz import deception, lies
from harness.fuzz.answers import failing, honest, own_refusal, saying
from harness.fuzz.lie import Lie
from splitlearn.wire import grpc_transport, status
from splitlearn.wire.errors import Reason, WireError

NEVER = threading.Event()


@pytest.fixture
def few(monkeypatch):
    """Lies of all kinds, few of each, so that drawing them takes a moment."""
    monkeypatch.setattr(deception, "FEWEST_EXAMPLES", 3)
    monkeypatch.setattr(deception, "SLOW_EVERY", 1000)


def findings_of(monkeypatch, lie, count=12):
    monkeypatch.setattr(deception, "_lies", lambda _seed, _count: iter([lie] * count))
    return deception.lie_to_clients(1, count, NEVER).findings


def test_every_kind_of_lie_is_retried_or_refused_and_the_same_for_a_seed(few):
    told = []
    first, second = (deception.lie_to_clients(7, 200, NEVER, told.append) for _ in range(2))

    assert () == first.findings
    assert {*lies.LIES} == {*first.kinds}
    assert (first.kinds, first.distinct) == (second.kinds, second.distinct)
    assert [0, 100, 200] * 2 == told
    assert {answer.split()[0] for answer in first.answers} <= {"retried", "refused", "taken", "ignored"}


def test_an_honest_answer_is_found_out_where_a_lie_was_expected(monkeypatch):
    assert "was believed" in findings_of(monkeypatch, Lie("honest", b"", honest))[0]
    assert () == findings_of(monkeypatch, Lie("honest", b"", honest, "honest"))


NO_MESSAGE = Lie("no message", b"", saying)
MISMATCH = own_refusal(WireError(Reason.MISMATCH, "no"))
WORDS = Lie("words", b"", lambda ask: failing(ask, b"9", b"no", MISMATCH), "anything")


def test_a_client_that_raises_is_found_out(monkeypatch):
    monkeypatch.setattr(grpc_transport._GrpcCall, "result", lambda self: self._future.result()[:])
    assert "raised TypeError" in findings_of(monkeypatch, NO_MESSAGE)[0]


def test_a_client_that_shows_what_it_should_not_is_found_out(monkeypatch):
    def raw(self, reason, message, code=None, details=None):
        Exception.__init__(self, f"{message}\x1b[2J")
        self.reason, self.message, self.code, self.details = reason, message, code or 0, dict(details or {})

    monkeypatch.setattr(status, "WireError", type("Raw", (WireError,), {"__init__": raw}))
    assert "not printable" in findings_of(monkeypatch, WORDS)[0]
