"""Checkpoint, crash and resume give the bits of a run that nothing disturbed."""

import errno
import json
import os
import shutil
import signal
from functools import partial

import pytest
import torch
from client.runs import (
    CrashError,
    CrashingProbe,
    DirectTransport,
    LossyTransport,
    Outcome,
    data_of,
    final_state,
    local_trunk,
    remote_trunk,
    train,
)
from exactness.uncut import same_bits
from transformers import GPT2LMHeadModel
from trunk.server import Trunk, hello_of, service_of

from splitlearn import checkpoint
from splitlearn.client import claim
from splitlearn.client.stopping import StopRequest
from splitlearn.errors import CheckpointError, ConfigError, DataError, TrunkUnavailableError
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError


def fail(error):
    raise error


def assert_same(expected, actual):
    assert expected.keys() == actual.keys()
    assert next((name for name in expected if not same_bits(expected[name], actual[name])), "") == ""


@pytest.fixture
def run(config):
    """Twelve steps of two microbatches, with a checkpoint every four."""
    return config.but(max_length=24, batch_size=2, gradient_accumulation_steps=2, num_epochs=2, save_interval=4)


@pytest.fixture(scope="module")
def calm_runs():
    """Final states of runs that nothing disturbed, by their dropout."""
    return {}


@pytest.fixture
def undisturbed(run, tmp_path, calm_runs):
    """The final state of the run when nothing happens."""
    if run.dropout not in calm_runs:
        calm = run.but(save_dir=tmp_path / "calm")
        assert train(calm, local_trunk(calm)).steps == 12
        calm_runs[run.dropout] = final_state(calm)
    return calm_runs[run.dropout]


@pytest.fixture
def without_dropout(run):
    """For a client and a trunk that compute in two threads of one process, and so share torch's generator."""
    return run.but(dropout=0.0)


@pytest.fixture
def undisturbed_without_dropout(without_dropout, tmp_path, calm_runs):
    """The final state of the run without dropout when nothing happens."""
    if without_dropout.dropout not in calm_runs:
        calm = without_dropout.but(save_dir=tmp_path / "calm")
        train(calm, local_trunk(calm))
        calm_runs[without_dropout.dropout] = final_state(calm)
    return calm_runs[without_dropout.dropout]


CRASHES = [
    ("client.step.started", 5),
    ("client.forward.sent", 8),
    ("client.forward.received", 4),
    ("client.backward.sent", 6),
    ("client.backward.received", 11),
    ("client.commit.decided", 9),
    ("client.commit.applied", 7),
    ("client.checkpoint.placed", 8),
    ("client.checkpoint.saved", 8),
    ("client.checkpoint.saved", 12),
]


@pytest.mark.parametrize(("point", "step"), CRASHES, ids=[f"{name}-{step}" for name, step in CRASHES])
def test_a_client_that_died_resumes(run, undisturbed, point, step):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe(point, step))
    probe = CrashingProbe()
    train(run, local_trunk(run), resume=True, probe=probe)

    assert_same(undisturbed, final_state(run))
    opened = next(step for name, step in probe.passed if name == "client.session.opened")
    assert (step // 4 * 4 if "checkpoint" in point or step % 4 else step) == opened


@pytest.mark.parametrize(("point", "step"), CRASHES[:4], ids=[f"{name}-{step}" for name, step in CRASHES[:4]])
def test_a_client_that_died_resumes_at_a_trunk_that_lives(without_dropout, undisturbed_without_dropout, point, step):
    run = without_dropout
    trunk = Trunk(run)
    try:
        with pytest.raises(CrashError):
            train(run, trunk.link(), probe=CrashingProbe(point, step))
        train(run, trunk.link(), resume=True)
    finally:
        trunk.stop()

    assert_same(undisturbed_without_dropout, final_state(run))


@pytest.mark.parametrize("step", [4, 8, 12])
def test_a_crash_between_the_two_halves_of_a_checkpoint(run, undisturbed, step):
    """The trunk has its half, the client does not: the run goes on from the checkpoint before, if there is one."""
    service = service_of(run, probe=CrashingProbe("trunk.checkpoint.saved", step))
    with pytest.raises(CrashError):
        train(run, remote_trunk(DirectTransport(service), run))
    resume = step > 4
    train(run, remote_trunk(DirectTransport(service_of(run)), run), resume=resume)

    assert_same(undisturbed, final_state(run))


class Restarting(CrashingProbe):
    """Puts another trunk in the place of the one before at each of the given points."""

    def __init__(self, transport, config, *places):
        super().__init__()
        self.transport, self.config, self.places = transport, config, list(places)

    def point(self, name, step=None, microbatch=None, **fields):
        super().point(name, step, microbatch, **fields)
        if (name, step) in self.places:
            self.places.remove((name, step))
            self.transport.service = service_of(self.config, epoch=9 - len(self.places))


@pytest.mark.parametrize(
    "places",
    [
        [("client.step.started", 0)],
        [("client.backward.sent", 6)],
        [("client.forward.received", 4)],
        [("client.commit.applied", 7)],
        [("client.checkpoint.started", 8)],
        [("client.checkpoint.writing", 8)],
        [("client.session.closing", 12)],
        [("client.forward.sent", 1), ("client.forward.sent", 1), ("client.backward.received", 9)],
    ],
    ids=str,
)
def test_a_trunk_that_was_restarted_takes_the_client_back_to_the_newest_checkpoint(run, undisturbed, places):
    transport = DirectTransport(service_of(run))
    probe = Restarting(transport, run, *places)
    result = train(run, remote_trunk(transport, run), probe=probe)

    assert not probe.places
    assert (12, False) == (result.steps, result.stopped)
    assert_same(undisturbed, final_state(run))


def test_a_trunk_that_loses_the_session_again_and_again_is_given_up(run):
    class Forgetful(DirectTransport):
        def call(self, method, request, timeout):
            if method == "Compute":
                self.service = service_of(run)
            return super().call(method, request, timeout)

    with pytest.raises(TrunkUnavailableError, match="loses this session again and again") as caught:
        train(run, remote_trunk(Forgetful(service_of(run)), run))

    assert "nothing was saved" in str(caught.value)


def test_a_second_client_takes_over_and_the_first_is_told(run, undisturbed):
    """The second starts from the checkpoint while the first is in the middle of a step."""
    service = service_of(run)

    class Second(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == ("client.backward.sending", 6) and self.place:
                self.place = None
                train(run, remote_trunk(DirectTransport(service), run), resume="auto")

    with pytest.raises(TrunkUnavailableError, match="another client has taken this session over") as caught:
        train(run, remote_trunk(DirectTransport(service), run), probe=Second())

    assert "continue with --resume" in str(caught.value)
    assert_same(undisturbed, final_state(run))


def test_many_crashes_in_a_row(run, undisturbed):
    for number, step in enumerate((4, 6, 7, 5, 9, 11)):
        with pytest.raises(CrashError):
            train(run, local_trunk(run), resume=number > 0, probe=CrashingProbe("client.commit.decided", max(step, 4)))
    train(run, local_trunk(run), resume=True)

    assert_same(undisturbed, final_state(run))


def test_resuming_a_finished_run_changes_nothing(run, undisturbed):
    train(run, local_trunk(run))
    train(run, local_trunk(run), resume=True)

    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("seed", range(3))
def test_lost_and_doubled_messages_change_nothing(run, undisturbed, seed):
    transport = LossyTransport(DirectTransport(service_of(run)), seed)
    train(run, remote_trunk(transport, run))

    assert min(transport.lost_requests, transport.lost_replies, transport.doubled) > 0
    assert_same(undisturbed, final_state(run))


def test_lost_messages_over_grpc_change_nothing(without_dropout, undisturbed_without_dropout):
    run, wrapped = without_dropout, []
    trunk = Trunk(run)

    def lossy(transport):
        wrapped.append(LossyTransport(transport, 3))
        return wrapped[-1]

    try:
        train(run, trunk.link(wrap=lossy))
    finally:
        trunk.stop()
    assert wrapped[0].lost_requests > 0
    assert wrapped[0].lost_replies > 0
    assert_same(undisturbed_without_dropout, final_state(run))


def test_a_damaged_reply_is_asked_for_again(run, undisturbed):
    damaged = 0
    for seed in (1, 2, 3):
        calm = run.but(session=f"run-{seed}")
        transport = LossyTransport(DirectTransport(service_of(calm)), seed)
        train(calm, remote_trunk(transport, calm))
        assert_same(undisturbed, final_state(calm))
        damaged += transport.damaged
    assert damaged > 0


@pytest.mark.parametrize("limit", [3_500, 20_000, 300_000])
@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_a_trunk_with_little_memory_changes_nothing(run, undisturbed, limit, loss):
    """Graphs and inputs are evicted: forward passes are computed again, or asked for again."""
    small = run.model_copy(update={"max_pending_bytes": limit})
    transport = LossyTransport(DirectTransport(service_of(small)), 1, share=loss)
    train(run, remote_trunk(transport, run))

    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("limit", [3_500, 20_000])
def test_a_local_trunk_with_little_memory_changes_nothing(run, undisturbed, limit):
    train(run, local_trunk(run.model_copy(update={"max_pending_bytes": limit})))

    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize(
    ("cuts", "value"), [("1:3", float("inf")), ("0:2", 3e38)], ids=["at the client", "at the trunk"]
)
def test_a_step_that_is_not_finite_is_skipped_through_a_wire_that_loses_messages(
    run, small_model, tmp_path, cuts, value
):
    """The bits are those of a trunk in this process, which the rules of exactness hold to the uncut model."""
    model = GPT2LMHeadModel.from_pretrained(small_model(tie_word_embeddings=False))
    with torch.no_grad():
        model.transformer.wte.weight[299] = value
    model.save_pretrained(tmp_path / "poisoned")
    calm = run.but(model=str(tmp_path / "poisoned"), cuts=cuts, save_dir=tmp_path / "calm")
    noisy = calm.but(save_dir=tmp_path / "noisy")
    data = data_of(calm)
    for sequence in data.sequences:
        sequence[sequence == 299] = 298
    data.sequences[5][1] = 299
    train(calm, local_trunk(calm), data=data)
    result = train(noisy, remote_trunk(LossyTransport(DirectTransport(service_of(noisy)), 2), noisy), data=data)

    skipped = [json.loads(line)["skipped"] for line in result.metrics.read_text().splitlines()]
    assert 2 == sum(skipped), "once an epoch"
    assert_same(final_state(calm), final_state(noisy))


# Refusals


def test_a_fresh_start_over_checkpoints_is_refused(run):
    train(run, local_trunk(run))

    with pytest.raises(CheckpointError, match=r"has checkpoints of steps \[12, 8\]; continue with --resume"):
        train(run, local_trunk(run))


def test_there_must_be_something_to_resume(run):
    with pytest.raises(CheckpointError, match=r"no checkpoint in .*; start without --resume"):
        train(run, local_trunk(run), resume=True)


def test_a_trunk_without_the_checkpoint_is_explained(run):
    train(run, local_trunk(run))
    shutil.rmtree(run.save_dir / "default" / "trunk")

    for trunk in (local_trunk(run), remote_trunk(DirectTransport(service_of(run)), run)):
        with pytest.raises(TrunkUnavailableError, match="no checkpoint in common"):
            train(run, trunk, resume=True)


def test_the_checkpoint_of_another_trunk_is_refused(run, tmp_path):
    other = run.but(save_dir=tmp_path / "other", learning_rate=0.5)
    for config in (run, other):
        train(config, local_trunk(config))
    shutil.rmtree(run.save_dir / "default" / "trunk")
    shutil.copytree(other.save_dir / "default" / "trunk", run.save_dir / "default" / "trunk")

    with pytest.raises(CheckpointError, match=r"step 12 is not the one made with .*--save-dir of that run"):
        train(run, local_trunk(run), resume=True)


@pytest.mark.parametrize(
    "changes",
    [{"learning_rate": 0.5}, {"batch_size": 3}, {"codec": "fp16"}, {"max_grad_norm": 9.0}, {"warmup_steps": 2}],
    ids=str,
)
def test_resuming_with_other_settings_is_refused_by_name(run, changes):
    train(run, local_trunk(run))
    name, value = next(iter(changes.items()))

    with pytest.raises(CheckpointError, match=f"{name} = .*now it is {value}"):
        train(run.but(**changes), local_trunk(run), resume=True)


def test_a_schedule_that_falls_to_its_end_is_not_resumed_with_another_end(run):
    train(run.but(max_steps=6), local_trunk(run))

    with pytest.raises(CheckpointError, match="steps in all = 6, now it is"):
        train(run, local_trunk(run), resume=True)


def test_resuming_with_an_edited_text_is_refused(run):
    train(run, local_trunk(run))

    with pytest.raises(CheckpointError, match="tokens of the data"):
        train(run, local_trunk(run), resume=True, data=data_of(run, count=20))


def test_a_torn_trunk_half_falls_back_to_the_one_before(run, undisturbed):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe("client.step.started", 10))
    path = run.save_dir / "default" / "trunk" / "step-00000008.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    train(run, remote_trunk(DirectTransport(service_of(run)), run), resume=True)

    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("role", ["client", "trunk"])
@pytest.mark.parametrize("left", [0, 100, -1], ids=["empty", "torn", "altered"])
def test_a_damaged_half_is_named_and_the_checkpoint_before_is_taken(run, undisturbed, role, left, caplog):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe("client.step.started", 10))
    path = run.save_dir / "default" / role / "step-00000008.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:left] if left >= 0 else data[:-1] + bytes([data[-1] ^ 1]))
    probe = CrashingProbe()
    train(run, local_trunk(run), resume=True, probe=probe)

    assert ("client.session.opened", 4) in probe.passed
    assert str(path) in caplog.text
    assert_same(undisturbed, final_state(run))


def test_a_run_of_which_every_half_is_damaged_is_refused_with_advice(run):
    train(run, local_trunk(run))
    for path in (run.save_dir / "default" / "client").glob("step-*"):
        path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(CheckpointError, match="move it away to resume from another step"):
        train(run, local_trunk(run), resume=True)


def test_resuming_where_there_is_nothing_is_refused_unless_any_start_will_do(run, undisturbed):
    with pytest.raises(CheckpointError, match="start without --resume"):
        train(run, local_trunk(run), resume="must")
    train(run, local_trunk(run), resume="auto")

    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("point", ["client.step.started", "client.backward.sent", "client.commit.applied"])
def test_a_run_that_is_asked_to_stop_saves_and_goes_on_later(run, undisturbed, point):
    stop = StopRequest()

    class Asking(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == (point, 6):
                stop.received = signal.SIGTERM

    result = train(run, local_trunk(run), probe=Asking(), stop=stop)
    assert (7, True) == (result.steps, result.stopped)
    assert "the newest checkpoint is of step 7" in result.saved
    assert 12 == train(run, local_trunk(run), resume=True).steps
    assert_same(undisturbed, final_state(run))


def test_a_second_signal_ends_at_once():
    stop = StopRequest()
    stop._ask(signal.SIGTERM, None)
    with pytest.raises(KeyboardInterrupt):
        stop._ask(signal.SIGINT, None)


def test_a_signal_is_taken_though_nobody_reads_what_is_said(monkeypatch):
    monkeypatch.setattr(os, "write", lambda *_: fail(BrokenPipeError()))
    stop = StopRequest()
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)

    assert signal.SIGTERM == stop.received


def test_a_stop_in_between_does_not_push_the_only_common_checkpoint_out(run, undisturbed):
    """A save at a step of its own, then a crash between its halves, then one between those of the next."""
    stop = StopRequest()
    service = service_of(run, probe=CrashingProbe("trunk.checkpoint.saved", 10))

    class Asking(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            super().point(name, step, microbatch, **fields)
            if (name, step) == ("client.step.started", 9):
                stop._ask(signal.SIGTERM, None)

    with pytest.raises(CrashError):
        train(run, remote_trunk(DirectTransport(service), run), probe=Asking(), stop=stop)
    service = service_of(run, probe=CrashingProbe("trunk.checkpoint.saved", 12), epoch=2)
    with pytest.raises(CrashError):
        train(run, remote_trunk(DirectTransport(service), run), resume=True)
    train(run, remote_trunk(DirectTransport(service_of(run, epoch=3)), run), resume=True)

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
            """The trunk's half is written; before the client's is, another client does the rest of the run."""
            state = self.saved(*arguments)
            train(run, remote_trunk(DirectTransport(service), run), resume="auto")
            return state

    link = remote_trunk(DirectTransport(service), run)
    with pytest.raises(CheckpointError, match="another client has taken the session over"):
        train(run, link, probe=Successor())

    assert_same(undisturbed, final_state(run))


def test_a_run_whose_trunk_is_gone_when_all_is_saved_is_done(run, undisturbed, caplog):
    class Gone(DirectTransport):
        def call(self, method, request, timeout):
            if method == "SyncTrainingState" and request.action == pb.SyncTrainingStateRequest.ACTION_CLOSE:
                return Outcome(WireError(Reason.TRANSPORT, "gone", Code.UNIMPLEMENTED))
            return super().call(method, request, timeout)

    result = train(run, remote_trunk(Gone(service_of(run)), run))

    assert (12, False) == (result.steps, result.stopped)
    assert "could not be told that the session ends: gone" in caplog.text
    assert_same(undisturbed, final_state(run))


def test_a_run_that_waits_for_its_trunk_stops_without_it(run):
    """What was saved before stands; nothing is waited for when the grace is over."""
    stop = StopRequest(grace=0.0)
    transport = DirectTransport(service_of(run))

    class Gone:
        def call(self, _method, _request, _timeout):
            if not stop.received:
                stop._ask(signal.SIGTERM, None)
            return Outcome(WireError(Reason.TRANSPORT, "gone", Code.UNAVAILABLE))

    class Leaving(CrashingProbe):
        def point(self, name, step=None, microbatch=None, **fields):
            if (name, step) == ("client.backward.sending", 9):
                link._calls.transport = Gone()

    link = remote_trunk(transport, run, stop.raise_if_asked)
    result = train(run, link, probe=Leaving(), stop=stop)

    assert (9, True) == (result.steps, result.stopped)
    assert "the newest checkpoint is of step 8" in result.saved


def test_a_full_disk_at_the_client_leaves_what_was_saved(run, undisturbed, monkeypatch):
    written = checkpoint.write_atomically

    def full(path, data, before_rename):
        if path.parent.name == "client" and path.name == "step-00000008.safetensors":
            before_rename = partial(fail, OSError(errno.ENOSPC, "No space left on device"))
        written(path, data, before_rename)

    monkeypatch.setattr(checkpoint, "write_atomically", full)
    with pytest.raises(CheckpointError, match="No space left on device; the newest checkpoint is of step 4"):
        train(run, local_trunk(run))
    assert not list(run.save_dir.rglob("*.partial"))
    monkeypatch.undo()
    train(run, local_trunk(run), resume=True)
    assert_same(undisturbed, final_state(run))


def test_a_full_disk_at_the_trunk_leaves_what_was_saved(run, undisturbed, monkeypatch):
    written = checkpoint.write_atomically

    def full(path, data, before_rename):
        if path.parent.name == "trunk" and path.name == "step-00000008.safetensors":
            before_rename = partial(fail, OSError(errno.ENOSPC, "No space left on device"))
        written(path, data, before_rename)

    monkeypatch.setattr(checkpoint, "write_atomically", full)
    with pytest.raises(TrunkUnavailableError, match=r"mend that at the trunk.*the newest checkpoint is of step 4"):
        train(run, remote_trunk(DirectTransport(service_of(run)), run))
    monkeypatch.undo()
    train(run, remote_trunk(DirectTransport(service_of(run)), run), resume=True)
    assert_same(undisturbed, final_state(run))


def test_a_full_disk_when_nothing_is_saved_yet_is_explained(run, monkeypatch):
    monkeypatch.setattr(claim, "write_atomically", lambda *_: fail(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(
        CheckpointError, match=r"client cannot be written.*nothing was saved\. Make room.*--resume auto"
    ):
        train(run, local_trunk(run))


def test_a_client_that_opened_last_claims_though_another_claimed_in_between(run, undisturbed):
    """Two start at once: the one that the trunk knows as the last goes on."""
    last = remote_trunk(DirectTransport(service_of(run)), run)
    opened = last.open

    def open_late(hello):
        welcome = opened(hello)
        assert claim.Claim(run.save_dir / "default" / "client").make("")
        return welcome

    last.open = open_late
    assert train(run, last).steps == 12
    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("open_still", [True, False], ids=["that is still there", "that is done"])
def test_a_client_that_was_taken_over_before_its_claim_leaves_its_successors_alone(run, undisturbed, open_still):
    service = service_of(run)
    first = remote_trunk(DirectTransport(service), run)
    opened, theirs = first.open, []

    def open_slowly(hello):
        """Another client comes and does the whole run while this one stands still after its opening."""
        welcome = opened(hello)
        train(run, remote_trunk(DirectTransport(service), run), resume="auto")
        theirs.append((run.save_dir / "default" / "client" / "claim").read_text())
        if open_still:
            remote_trunk(DirectTransport(service), run).open(hello_of(run))
        return welcome

    first.open = open_slowly
    with pytest.raises(TrunkUnavailableError, match="another client has taken this session over"):
        train(run, first)

    assert theirs == [(run.save_dir / "default" / "client" / "claim").read_text()]
    assert_same(undisturbed, final_state(run))


def test_a_model_that_is_too_short_for_the_data_is_refused(run):
    with pytest.raises(ConfigError, match="max_length = 25: the model has 24 positions"):
        train(run.but(max_length=25), None)


def test_token_ids_that_the_model_does_not_have_are_refused(run):
    data = data_of(run)
    data.sequences[3][1] = 300

    with pytest.raises(DataError, match="sequence 3 holds token id 300, but the model knows ids up to 299"):
        train(run, None, data=data)


# What a run leaves


def test_every_step_is_a_line_of_the_metrics(run):
    result = train(run, local_trunk(run))
    lines = [json.loads(line) for line in result.metrics.read_text().splitlines()]

    assert list(range(12)) == [line["step"] for line in lines]
    assert result.last_loss == lines[-1]["loss"]
    first = lines[0]
    assert {
        "step", "loss", "learning_rate", "grad_norm", "tokens", "positions", "skipped", "seconds", "breakdown"
    } == first.keys()  # fmt: skip
    assert first["learning_rate"] == 0.01
    assert first["tokens"] < first["positions"]
    assert first["skipped"] is False
    assert {"bottom", "forward_wait", "top", "backward_wait", "update"} == first["breakdown"].keys()
    assert sum(first["breakdown"].values()) <= first["seconds"]


def test_metrics_of_a_resumed_run_go_on_in_the_same_file(run):
    with pytest.raises(CrashError):
        train(run, local_trunk(run), probe=CrashingProbe("client.step.started", 6))
    result = train(run, local_trunk(run), resume=True)
    steps = [json.loads(line)["step"] for line in result.metrics.read_text().splitlines()]

    assert [*range(6), *range(4, 12)] == steps


def test_points_of_a_step_are_passed_in_order(run):
    probe = CrashingProbe()
    train(run.but(max_steps=1), local_trunk(run), probe=probe)

    names = [name.removeprefix("client.") for name, _ in probe.passed]
    assert [
        "session.opening", "session.opened", "step.started", *["forward.sending", "forward.sent"] * 2,
        *["forward.received", "backward.sending", "backward.sent"] * 2, *["backward.received", "backward.done"] * 2,
        "commit.decided", "commit.applied",
        "checkpoint.started", "checkpoint.writing", "checkpoint.written", "checkpoint.placed", "checkpoint.saved",
        "session.closing", "training.finished",
    ] == names  # fmt: skip


def test_no_text_and_no_label_crosses_the_wire(run):
    """Only hidden states, masks, gradients and settings are in what the client sends."""
    sent = []

    class Listening(DirectTransport):
        def call(self, method, request, timeout):
            sent.append((method, request))
            return super().call(method, request, timeout)

    train(run.but(max_steps=2), remote_trunk(Listening(service_of(run)), run))
    fields = {(method, field.name) for method, request in sent for field, _ in request.ListFields()}
    assert {
        ("OpenSession", "session_id"), ("OpenSession", "agreement"),
        ("OpenSession", "client"), ("OpenSession", "opening"),
        ("Compute", "key"), ("Compute", "smashed"), ("Compute", "attention_mask"), ("Compute", "commit"),
        ("Backward", "key"), ("Backward", "features_grad"),
        ("SyncTrainingState", "key"), ("SyncTrainingState", "action"), ("SyncTrainingState", "commit"),
    } == fields  # fmt: skip
