"""What the protocol does not allow is refused with its own reason and code."""

from dataclasses import replace

import pytest
import torch
from trunk.calling import compute_request, open_at, opening, refused
from trunk.server import hello_of, service_of

from splitlearn.registry import CODECS
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason
from splitlearn.wire.messages import key_message
from splitlearn.wire.tensors import encode_tensor
from splitlearn.wire.trunk_link import Commit, Hello, Position

MIB = 1 << 20


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cuts", "0:3"),
        ("seed", "9"),
        ("dtype", "bfloat16"),
        ("attention", "eager"),
        ("optimizer_type", "sgd"),
        ("weight_decay", "0.5"),
        ("protocol", "0"),
        ("model.family", "llama"),
        ("model.n_embd", "64"),
        ("model.resid_pdrop", "0.0"),
        ("initial weights", "0" * 64),
        ("something new", "1"),
    ],
)
def test_the_handshake_names_the_setting_that_differs(config, field, value):
    message = refused(
        Reason.MISMATCH, Code.FAILED_PRECONDITION, service_of(config).open_session, opening(config, **{field: value})
    )
    assert field in message
    assert value in message


@pytest.mark.parametrize("codec", ["gzip", ""])
def test_the_handshake_names_a_codec_that_the_trunk_does_not_have(config, codec):
    request = opening(config)
    request.codec = codec
    message = refused(Reason.UNKNOWN_CODEC, Code.INVALID_ARGUMENT, service_of(config).open_session, request)
    assert f"codec is {codec!r} at the client; the trunk knows {', '.join(CODECS)}" in message


def test_an_empty_session_name_is_refused(config):
    request = opening(config)
    request.session_id = ""

    refused(Reason.BAD_REQUEST, Code.INVALID_ARGUMENT, service_of(config).open_session, request)


def test_no_more_sessions_than_allowed_are_open(config):
    service = service_of(config, max_sessions=2)
    for name in ("one", "two", "one"):
        request = opening(config)
        request.session_id = name
        service.open_session(request)
    request.session_id = "three"

    message = refused(Reason.TOO_MANY_SESSIONS, Code.RESOURCE_EXHAUSTED, service.open_session, request)
    assert "one, two" in message


def test_a_closed_session_makes_room(config):
    service = service_of(config)
    incarnation = service.open_session(opening(config)).incarnation
    close = pb.SyncTrainingStateRequest(
        key=key_message("default", incarnation, Position(0, 0, 1)), action=pb.SyncTrainingStateRequest.ACTION_CLOSE
    )
    service.sync_training_state(close)
    service.sync_training_state(close)
    other = opening(config)
    other.session_id = "other"

    assert service.open_session(other).applied_step == 0


def test_the_newest_incarnation_wins(config, serve):
    trunk = serve(config)
    old, new = open_at(trunk), trunk.link()
    new.open(replace(hello_of(config), take_over=True))
    hidden_BTH, mask_BT = torch.randn(2, 6, 32), torch.ones(2, 6)

    message = refused(Reason.STALE_INCARNATION, Code.ABORTED, old.infer(hidden_BTH, mask_BT).result)
    assert "taken over" in message
    refused(Reason.STALE_INCARNATION, Code.ABORTED, old.commit, Commit(0, 0.1, None, skip=True))
    refused(Reason.STALE_INCARNATION, Code.ABORTED, old.gradients, 0)
    new.infer(hidden_BTH, mask_BT).result()


def test_a_session_that_is_not_open_is_named(config, serve):
    link = serve(config).link()

    assert "''" in refused(
        Reason.UNKNOWN_SESSION, Code.NOT_FOUND, link.infer(torch.zeros(1, 2, 32), torch.ones(1, 2)).result
    )


def test_a_trunk_for_inference_takes_no_training_requests(config, serve):
    trunk = serve(config.but(mode="inference"))
    refused(Reason.WRONG_MODE, Code.FAILED_PRECONDITION, open_at, trunk)
    assert not list(config.save_dir.rglob("trunk-holder")), "nothing was written for it"
    link, hidden_BTH, mask_BT = trunk.link(), torch.randn(2, 6, 32), torch.ones(2, 6)
    link.open(replace(hello_of(config), reader=True))

    link.infer(hidden_BTH, mask_BT).result()
    refused(
        Reason.WRONG_MODE, Code.FAILED_PRECONDITION, link.forward(Position(0, 0, 1), hidden_BTH, mask_BT, None).result
    )
    refused(Reason.WRONG_MODE, Code.FAILED_PRECONDITION, link.backward(Position(0, 0, 1), hidden_BTH).result)
    refused(Reason.WRONG_MODE, Code.FAILED_PRECONDITION, link.commit, Commit(0, 0.1, None, skip=True))


@pytest.mark.parametrize(("microbatch", "microbatches"), [(0, 0), (1, 1), (5, 2), (0, (1 << 16) + 1)])
def test_an_impossible_position_is_refused(config, microbatch, microbatches):
    service = service_of(config)
    incarnation = service.open_session(opening(config)).incarnation
    request = compute_request(incarnation, torch.zeros(1, 2, 32), Position(0, microbatch, microbatches))

    refused(Reason.BAD_REQUEST, Code.INVALID_ARGUMENT, service.compute, request)


@pytest.mark.parametrize(
    ("field", "value"),
    [("clip_coefficient", 1.5), ("clip_coefficient", -0.1), ("clip_coefficient", float("nan")), ("learning_rate", -1.0)]
    + [("learning_rate", value) for value in (float("inf"), float("nan"))],
)
def test_an_impossible_commit_is_refused(config, field, value):
    service = service_of(config)
    key = key_message("default", service.open_session(opening(config)).incarnation, Position(0, 0, 1))
    commit = pb.Commit(step=0, learning_rate=0.1, skip=True)
    setattr(commit, field, value)
    request = pb.SyncTrainingStateRequest(key=key, action=pb.SyncTrainingStateRequest.ACTION_COMMIT, commit=commit)

    assert field in refused(Reason.BAD_REQUEST, Code.INVALID_ARGUMENT, service.sync_training_state, request)


def test_tensors_that_do_not_fit_the_model_are_refused(config):
    service = service_of(config)
    incarnation = service.open_session(opening(config)).incarnation

    def compute(shape, mask_shape=None):
        request = compute_request(incarnation, torch.zeros(shape))
        if mask_shape:
            request.attention_mask.CopyFrom(encode_tensor(torch.ones(mask_shape, dtype=torch.uint8), "raw", MIB))
        return refused(Reason.BAD_SHAPE, Code.INVALID_ARGUMENT, service.compute, request)

    assert "any x any x 32".replace(" ", "") in compute((2, 6, 33)).replace(" ", "")
    assert "25 positions; the model has 24" in compute((1, 25, 32))
    assert "attention_mask" in compute((2, 6, 32), (2, 5))
    compute((6, 32), (6, 32))


def test_a_result_that_is_not_finite_has_its_own_reason(config, serve):
    link = open_at(serve(config))
    hidden_BTH = torch.full((1, 3, 32), 3e38)

    refused(Reason.NON_FINITE_RESULT, Code.OUT_OF_RANGE, link.infer(hidden_BTH, torch.ones(1, 3)).result)


def test_resuming_without_a_common_checkpoint_says_what_both_sides_have(config, serve):
    trunk = serve(config)
    hello = Hello("default", hello_of(config).agreement, (3, 5))

    message = refused(Reason.NO_CHECKPOINT, Code.FAILED_PRECONDITION, trunk.link().open, hello)
    assert "the trunk has steps none, the client has 3, 5" in message


def test_gradients_are_streamed_as_they_accumulated(config, serve):
    trunk = serve(config)
    link, hidden_BTH, at = open_at(trunk), torch.randn(2, 6, 32), Position(0, 0, 2)
    refused(Reason.NO_GRADIENTS, Code.FAILED_PRECONDITION, link.gradients, 0)
    link.forward(at, hidden_BTH, torch.ones(2, 6), None).result()
    link.backward(at, hidden_BTH).result()

    session = trunk.service._sessions.get("default", link._conversation.incarnation).session
    expected, actual = session.gradients(), link.gradients(0)
    assert expected.keys() == actual.keys()
    assert all(torch.equal(expected[name], actual[name]) for name in expected)
    assert list(link.gradients(0, ["transformer.h.1.ln_1.bias"])) == ["transformer.h.1.ln_1.bias"]
    refused(Reason.NO_GRADIENTS, Code.FAILED_PRECONDITION, link.gradients, 1)
    refused(Reason.BAD_REQUEST, Code.INVALID_ARGUMENT, link.gradients, 0, ["lm_head.weight"])


def test_a_checkpoint_that_cannot_be_written_is_reported_and_may_be_tried_again(config, serve, tmp_path):
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "trunk").write_text("in the way")
    link = open_at(serve(config.but(save_dir=tmp_path)))

    assert "could not write" in refused(Reason.SAVE_FAILED, Code.UNAVAILABLE, link.save, 0, None)
