"""A client takes a session over, is taken over, or fails and gives up its place."""

import pytest
from client.runs import CrashingProbe, ScriptedTransport, assert_same, direct, fail, final_state, remote_trunk, train
from trunk.server import hello_of, service_of

from splitlearn.client import claim
from splitlearn.errors import CheckpointError, TrunkUnavailableError
from splitlearn.runtime import real_runtime
from splitlearn.wire.errors import Reason, WireError


def test_a_second_client_takes_over_and_the_first_is_told(run, undisturbed):
    """The second starts from the checkpoint while the first is in the middle of a step."""
    service = service_of(run)

    class Second(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == ("client.backward.sending", 6) and self.place:
                self.place = None
                train(run, remote_trunk(direct(service), run), resume="auto")

    with pytest.raises(TrunkUnavailableError, match="another client has taken this session over") as caught:
        train(run, remote_trunk(direct(service), run), probe=Second())

    assert "continue with --resume" in str(caught.value)
    assert_same(undisturbed, final_state(run))


def test_a_client_that_was_taken_over_between_the_halves_leaves_its_successors_files_alone(run, undisturbed):
    service = service_of(run)

    class Successor(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == ("client.checkpoint.started", 4) and self.place:
                self.place = None
                self.saved = link.save
                link.save = self.save

        def save(self, *arguments):
            """After the trunk's half is written and before the client's, let another client do the rest of the run."""
            state = self.saved(*arguments)
            train(run, remote_trunk(direct(service), run), resume="auto")
            return state

    link = remote_trunk(direct(service), run)
    with pytest.raises(CheckpointError, match="another client has taken the session over"):
        train(run, link, probe=Successor())

    assert_same(undisturbed, final_state(run))


def test_a_client_that_fails_on_its_own_bug_gives_its_place_back(run):
    class Wrong(CrashingProbe):
        def point(self, name, *_, **__):
            if name == "client.checkpoint.started":
                fail(RuntimeError("a bug"))

    service = service_of(run)
    with pytest.raises(RuntimeError, match="a bug"):
        train(run, remote_trunk(direct(service), run), probe=Wrong())

    assert "default" not in service._sessions


def test_a_client_that_fails_on_a_limit_gives_its_place_back(run):
    def be_small(method, _request):
        return WireError(Reason.TOO_LARGE, "a message of 9 bytes; allowed are 8") if method == "Compute" else None

    service = service_of(run)
    with pytest.raises(TrunkUnavailableError, match="allowed are 8"):
        train(run, remote_trunk(ScriptedTransport(service, be_small), run))

    assert "default" not in service._sessions


def test_a_fresh_start_in_another_folder_is_told_who_has_the_session_and_ends_nobody(run, undisturbed, tmp_path):
    service = service_of(run)
    elsewhere = run.but(save_dir=tmp_path / "elsewhere")

    class Second(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == ("client.step.started", 5):
                with pytest.raises(
                    TrunkUnavailableError, match=r"held by client .* for \d+ s \(.*--session.*--take-over"
                ):
                    train(elsewhere, remote_trunk(direct(service), run))

    train(run, remote_trunk(direct(service), run), probe=Second())
    assert_same(undisturbed, final_state(run))


def test_a_client_that_opened_last_claims_though_another_claimed_in_between(run, undisturbed):
    """Two clients start at once: the one that opened last, according to the trunk, continues."""
    last = remote_trunk(direct(service_of(run)), run)
    opened = last.open

    def open_late(hello):
        welcome = opened(hello)
        assert claim.Claim(run.save_dir / "default" / "client", real_runtime()).make("")
        return welcome

    last.open = open_late
    assert train(run, last).steps == 12
    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("open_still", [True, False], ids=["that is still there", "that is done"])
def test_a_client_that_was_taken_over_before_its_claim_leaves_its_successors_alone(run, undisturbed, open_still):
    service = service_of(run)
    first = remote_trunk(direct(service), run)
    opened, theirs = first.open, []

    def open_slowly(hello):
        """Let another client do the whole run while this one is paused after opening."""
        welcome = opened(hello)
        train(run, remote_trunk(direct(service), run), resume="auto")
        theirs.append((run.save_dir / "default" / "client" / "claim").read_text())
        if open_still:
            remote_trunk(direct(service), run).open(hello_of(run))
        return welcome

    first.open = open_slowly
    with pytest.raises(TrunkUnavailableError, match="another client has taken this session over"):
        train(run, first)

    assert theirs == [(run.save_dir / "default" / "client" / "claim").read_text()]
    assert_same(undisturbed, final_state(run))
