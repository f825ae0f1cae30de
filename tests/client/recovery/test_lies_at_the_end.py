"""Whatever a trunk answers to a close or a leave, the trained weights and the client's message are unaffected."""

import pytest
from client.runs import CrashingProbe, ScriptedTransport, assert_same, fail, final_state, remote_trunk, train
from trunk.server import service_of

from splitlearn.errors import TrunkUnavailableError
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError

ENDS = (pb.SyncTrainingStateRequest.ACTION_CLOSE, pb.SyncTrainingStateRequest.ACTION_ABANDON)
ODD = pb.SyncTrainingStateReply(applied_step=10**6, fingerprint="\x1b[2J", stopping=True)
BROKEN = WireError(Reason.TRANSPORT, "no", Code.INTERNAL)
LOST = WireError(Reason.UNKNOWN_SESSION, "lost")


class LiesAtTheEnd(ScriptedTransport):
    """Answers a client that closes or leaves with these lies, one after another, and honestly after that."""

    def __init__(self, service, *answers):
        super().__init__(service, self.lie)
        self.left = list(answers)

    def lie(self, method, request):
        """Return the next lie if it is due."""
        return self.left.pop(0) if method == "SyncTrainingState" and request.action in ENDS and self.left else None


@pytest.mark.parametrize("answers", [(ODD,), (BROKEN,) * 5, (LOST,), (BROKEN, LOST, ODD)], ids=str)
def test_a_run_ends_with_the_same_bits_whatever_its_close_is_answered(run, undisturbed, answers):
    transport = LiesAtTheEnd(service_of(run), *answers)
    result = train(run, remote_trunk(transport, run))
    assert ([], False) == (transport.left, result.stopped)
    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("reason", [Reason.STALE_INCARNATION, Reason.UNAUTHENTICATED, Reason.BUG])
def test_a_refused_close_is_reported_and_everything_is_saved(run, undisturbed, reason):
    transport = LiesAtTheEnd(service_of(run), *[WireError(reason, "so it is")] * 3)
    with pytest.raises(TrunkUnavailableError, match="so it is"):
        train(run, remote_trunk(transport, run))
    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("answer", [ODD, BROKEN, LOST, WireError(Reason.MISMATCH, "no")], ids=str)
def test_the_answer_to_a_leave_does_not_hide_the_clients_own_error(run, answer):
    class Wrong(CrashingProbe):
        def point(self, name, *_, **__):
            if name == "client.checkpoint.started":
                fail(RuntimeError("a bug"))

    transport = LiesAtTheEnd(service_of(run), answer)
    with pytest.raises(RuntimeError, match="a bug"):
        train(run, remote_trunk(transport, run), probe=Wrong())
    assert [] == transport.left
