"""What a run leaves in its metrics, in the trace and on the wire."""

import json

import pytest
from client.runs import CrashError, CrashingProbe, ScriptedTransport, local_trunk, remote_trunk, train
from trunk.server import service_of


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
    assert {"bottom", "encode", "forward_wait", "top", "backward_wait", "update"} == first["breakdown"].keys()
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

    transport = ScriptedTransport(service_of(run), lambda *request: sent.append(request))
    train(run.but(max_steps=2), remote_trunk(transport, run))
    fields = {(method, field.name) for method, request in sent for field, _ in request.ListFields()}
    assert {
        ("OpenSession", "session_id"), ("OpenSession", "agreement"),
        ("OpenSession", "client"), ("OpenSession", "opening"), ("OpenSession", "codec"),
        ("Compute", "key"), ("Compute", "smashed"), ("Compute", "attention_mask"), ("Compute", "commit"),
        ("Backward", "key"), ("Backward", "features_grad"),
        ("SyncTrainingState", "key"), ("SyncTrainingState", "action"), ("SyncTrainingState", "commit"),
    } == fields  # fmt: skip
