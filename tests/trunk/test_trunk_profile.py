"""Where a trunk's time goes, by part of a step, whichever sessions the steps are of."""

import pytest
import torch
from trunk.server import hello_of, service_of

from splitlearn.profile import TRUNK_PHASES
from splitlearn.runtime import real_runtime
from splitlearn.runtime.simulated import ManualClock
from splitlearn.trunk import boundary
from splitlearn.trunk import profile as trunk_profile
from splitlearn.trunk.profile import TrunkProfile
from splitlearn.wire import methods
from splitlearn.wire.direct import DirectTransport
from splitlearn.wire.errors import WireError
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.trunk_link import Commit, Position

READING, DECODING, ENCODING, WRITING, COMPUTING, QUEUEING = 1.0, 10.0, 100.0, 1000.0, 1e4, 1e5


def rows(profile):
    """Return a table's heading, and its milliseconds by name, as seconds."""
    heading, *lines = profile.table().splitlines()
    return heading, {line[:36].strip(): float(line[36:].split()[0]) / 1000 for line in lines}


class Rig:
    """A profiled trunk in this process, every kind of whose work takes some seconds of a manual clock."""

    def __init__(self, config, monkeypatch):
        self.config = config
        self.clock = ManualClock()
        self.profile = TrunkProfile(self.clock)
        self.service = service_of(config, watch=self.profile.watch, clock=self.clock)
        self.dispatch = self.profile.dispatch_of(self.service)
        self._monkeypatch = monkeypatch
        self.slow(methods, "verify", READING)
        self.slow(boundary, "decode_tensor", DECODING)
        self.slow(boundary, "encode_tensor", ENCODING)
        self.slow(methods, "with_checksum", WRITING)
        calls = ReliableCalls(DirectTransport(self.answer), RetryPolicy(60.0, 1e6), ManualClock(), lambda *_: None)
        self.link = RemoteTrunk(calls, config, real_runtime())
        self.link.open(hello_of(config))
        session = self.service._sessions.get(config.session, self.link._conversation.key(Position(0, 0, 1)).incarnation)
        self.slow(session.session, "forward", COMPUTING)
        self.slow(session.session, "backward", COMPUTING)

    def slow(self, owner, name, seconds):
        """Let a function take some seconds more."""
        plain = getattr(owner, name)

        def slowed(*arguments):
            self.clock.sleep(seconds)
            return plain(*arguments)

        self._monkeypatch.setattr(owner, name, slowed)

    def answer(self, method, request):
        """Answer as the server does, where a request waits for its turn."""
        call = self.dispatch.read(method, request)
        self.clock.sleep(QUEUEING)
        return [*self.dispatch.write(call, self.dispatch.carry_out(call))]

    def step(self, number):
        """Train one step of one microbatch."""
        at, hidden_BTH = Position(number, 0, 1), torch.ones(2, 6, 32)
        mask_BT = torch.ones(2, 6, dtype=torch.int64)
        commit = Commit(number - 1, 0.1, None, skip=False) if number else None
        self.link.forward(at, hidden_BTH, mask_BT, commit).result()
        self.link.backward(at, hidden_BTH).result()


@pytest.fixture
def rig(config, monkeypatch):
    return Rig(config, monkeypatch)


def test_decoding_queue_computing_and_encoding_are_told_apart(rig):
    rig.step(0)
    rig.step(1)

    heading, found = rows(rig.profile)
    assert heading == "where the time went, in the median of 2 steps:"
    assert found == {
        TRUNK_PHASES["decode"]: 2 * READING + 3 * DECODING,
        TRUNK_PHASES["queue"]: 2 * QUEUEING,
        TRUNK_PHASES["compute"]: 2 * COMPUTING,
        TRUNK_PHASES["encode"]: 2 * (ENCODING + WRITING),
        "Sum of the medians": 2 * (READING + QUEUEING + COMPUTING + ENCODING + WRITING) + 3 * DECODING,
    }


def test_only_passes_of_training_that_were_answered_count(rig):
    rig.link.query()
    rig.link.infer(torch.ones(2, 6, 32), torch.ones(2, 6, dtype=torch.int64)).result()
    with pytest.raises(WireError, match="the trunk has applied 0"):
        rig.step(2)

    assert rig.profile.table() == "where the time went: no step was timed\n"


def test_each_session_has_steps_of_its_own():
    profile = TrunkProfile(ManualClock())
    for step in range(3):
        for session in ("run", "run-2"):
            profile.add(session, step, {"compute": 1.0})
            profile.add(session, step, {"compute": 2.0, "queue": 1.0})

    heading, found = rows(profile)
    assert heading == "where the time went, in the median of 6 steps:"
    assert (found[TRUNK_PHASES["compute"]], found[TRUNK_PHASES["queue"]]) == (3, 1)


def test_it_keeps_no_more_than_it_may(monkeypatch):
    monkeypatch.setattr(trunk_profile, "MOST_STEPS", 4)
    monkeypatch.setattr(trunk_profile, "MOST_SESSIONS", 2)
    profile = TrunkProfile(ManualClock())
    for number in range(10):
        profile.add(f"session {number}", 0, {"compute": float(number)})

    heading, found = rows(profile)
    assert heading == "where the time went, in the median of 6 steps:"
    assert found[TRUNK_PHASES["compute"]] == 6.5
