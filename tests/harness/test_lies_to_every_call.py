"""Every call of the client is lied to, those whose answers it does not use included."""

import threading
from contextlib import suppress

import pytest

from harness.fuzz import deception
from harness.fuzz.answers import failing, own_refusal, saying
from harness.fuzz.lie import Lie
from harness.fuzz.victim import OPERATIONS, UNHEARD
from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.trunk_link import TrunkLink

NEVER = threading.Event()
MISMATCH = own_refusal(WireError(Reason.MISMATCH, "no"))
NO_MESSAGE = Lie("no message", b"", saying)
REFUSAL = Lie("a refusal of ours", b"", lambda ask: failing(ask, b"9", b"no", MISMATCH), "anything")


def report_of(monkeypatch, name, lies):
    """Tell these lies to one call."""
    monkeypatch.setattr(deception, "OPERATIONS", {name: OPERATIONS[name]})
    monkeypatch.setattr(deception, "_lies", lambda _seed, _count: iter(lies))
    return deception.lie_to_clients(1, len(lies), NEVER)


def test_no_call_of_a_client_is_left_out():
    calls = {name for name in vars(TrunkLink) if callable(getattr(TrunkLink, name)) and not name.startswith("_")}
    assert {*calls, "beat"} <= {*OPERATIONS}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_call_repeats_what_is_no_answer_and_believes_a_refusal_unless_it_uses_neither(monkeypatch, name):
    report = report_of(monkeypatch, name, [NO_MESSAGE, REFUSAL])
    expected = {"ignored": 2} if name in UNHEARD else {"retried after TRANSPORT": 1, "refused MISMATCH": 1}
    assert ((), {name: 2}, expected) == (report.findings, report.calls, report.answers)


@pytest.mark.parametrize("name", sorted(UNHEARD))
def test_a_client_that_is_stopped_by_an_answer_that_it_does_not_use_is_found_out(monkeypatch, name):
    monkeypatch.setattr(RemoteTrunk, name, lambda self, **_: self.query())
    (finding,) = report_of(monkeypatch, name, [REFUSAL]).findings
    assert "ended the call: MISMATCH" in finding


def test_a_client_on_which_a_lie_leaves_its_mark_is_found_out(monkeypatch):
    def leave(self, **_):
        with suppress(WireError):
            self.query()
            return
        self.open = lambda _: "marked"

    monkeypatch.setattr(RemoteTrunk, "leave", leave)
    (finding,) = report_of(monkeypatch, "leave", [REFUSAL]).findings
    assert "changed what came after: marked" in finding


@pytest.mark.parametrize("name", sorted(UNHEARD))
def test_a_call_that_is_not_made_is_found_out_though_the_next_one_hears_the_lie(monkeypatch, name):
    monkeypatch.setattr(RemoteTrunk, name, lambda _self, **_: None)
    (finding,) = report_of(monkeypatch, name, [NO_MESSAGE]).findings
    assert "was told to a later call" in finding


def test_a_beat_is_due_though_rounding_ends_a_silence_a_little_early(monkeypatch):
    def sleep(self, seconds):
        self._now += seconds - 1e-9

    monkeypatch.setattr(ManualClock, "sleep", sleep)
    assert () == report_of(monkeypatch, "beat", [REFUSAL]).findings
