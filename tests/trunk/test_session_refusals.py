import pytest
import torch
from exactness.uncut import same_bits

from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import Commit, Position

ONLY = Position(0, 0, 1)


def refused(reason, call, *arguments):
    with pytest.raises(WireError) as caught:
        call(*arguments)
    assert reason is caught.value.reason
    return caught.value.message


def test_a_step_in_the_past_or_the_future_is_refused(session, hidden_BTH, mask_BT):
    session.forward(ONLY, hidden_BTH, mask_BT, None)
    session.backward(ONLY, hidden_BTH)
    session.commit(Commit(0, 0.1, None, skip=False))

    assert "step 0" in refused(Reason.STEP_IN_PAST, session.forward, ONLY, hidden_BTH, mask_BT, None)
    assert "applied 1" in refused(Reason.STEP_IN_PAST, session.backward, ONLY, hidden_BTH)
    future = Position(2, 0, 1)
    refused(Reason.STEP_IN_FUTURE, session.forward, future, hidden_BTH, mask_BT, None)
    refused(Reason.STEP_IN_FUTURE, session.backward, future, hidden_BTH)
    refused(Reason.STEP_IN_FUTURE, session.commit, Commit(2, 0.1, None, skip=False))


def test_a_commit_that_differs_from_the_applied_one_is_refused(session):
    session.commit(Commit(0, 0.1, None, skip=True))
    session.commit(Commit(0, 0.1, None, skip=True))

    refused(Reason.STEP_IN_PAST, session.commit, Commit(0, 0.2, None, skip=True))


def test_other_content_under_the_same_key_is_refused(session, hidden_BTH, mask_BT):
    session.forward(ONLY, hidden_BTH, mask_BT, None)
    session.backward(ONLY, hidden_BTH)

    assert "smashed data" in refused(Reason.KEY_REUSED, session.forward, ONLY, hidden_BTH + 1, mask_BT, None)
    other_mask_BT = mask_BT.clone()
    other_mask_BT[0, 5] = 0
    refused(Reason.KEY_REUSED, session.forward, ONLY, hidden_BTH, other_mask_BT, None)
    refused(Reason.KEY_REUSED, session.forward, ONLY, hidden_BTH[:1], mask_BT[:1], None)
    assert "gradient" in refused(Reason.KEY_REUSED, session.backward, ONLY, hidden_BTH + 1)


def test_a_client_that_claims_gradients_of_microbatches_that_did_not_join_is_refused(session, hidden_BTH, mask_BT):
    session.forward(Position(0, 0, 2), hidden_BTH, mask_BT, None)
    session.backward(Position(0, 0, 2), hidden_BTH)

    session.release(Position(0, 1, 2), 1)
    assert "1 of 2" in refused(Reason.BAD_REQUEST, session.release, Position(0, 1, 2), 2)


def test_an_incomplete_step_is_not_committed(session, hidden_BTH, mask_BT):
    session.forward(Position(0, 0, 2), hidden_BTH, mask_BT, None)
    session.backward(Position(0, 0, 2), hidden_BTH)

    assert "1 of 2" in refused(Reason.INCOMPLETE_STEP, session.commit, Commit(0, 0.1, None, skip=False))
    assert session.applied_step == 0


def test_an_empty_step_is_not_committed_but_may_be_skipped(session):
    before = session.fingerprint()

    refused(Reason.INCOMPLETE_STEP, session.commit, Commit(0, 0.1, None, skip=False))
    session.commit(Commit(0, 0.1, None, skip=True))
    assert (1, before) == (session.applied_step, session.fingerprint())


def test_a_step_cannot_change_its_number_of_microbatches(session, hidden_BTH, mask_BT):
    session.forward(Position(0, 0, 2), hidden_BTH, mask_BT, None)
    later = Position(0, 1, 3)

    assert "began with 2" in refused(Reason.BAD_REQUEST, session.forward, later, hidden_BTH, mask_BT, None)
    assert "began with 2" in refused(Reason.BAD_REQUEST, session.backward, later, hidden_BTH)


def test_a_backward_pass_without_its_forward_pass_is_refused(session, hidden_BTH):
    assert "send its forward pass again" in refused(Reason.FORWARD_NEEDED, session.backward, ONLY, hidden_BTH)


def test_a_gradient_of_another_shape_is_refused(session, hidden_BTH, mask_BT):
    session.forward(ONLY, hidden_BTH, mask_BT, None)

    assert "(1, 6, 32)" in refused(Reason.BAD_SHAPE, session.backward, ONLY, hidden_BTH[:1])
    session.backward(ONLY, hidden_BTH)


def test_an_input_larger_than_the_limit_is_refused_with_advice(config, hidden_BTH, mask_BT):
    small = config.model_copy(update={"max_pending_bytes": hidden_BTH.nbytes})
    session = TrunkSession(FAMILY.load_trunk(config)[0], small, NullProbe(), NullTensorLog())

    assert "--max-pending-bytes" in refused(Reason.TOO_LARGE, session.forward, ONLY, hidden_BTH, mask_BT, None)
    assert session._tape.nbytes == 0


def test_gradients_that_came_too_early_are_sent_back_when_there_is_no_room(config, hidden_BTH, mask_BT):
    small = config.model_copy(update={"max_pending_bytes": 50_000})
    session = TrunkSession(FAMILY.load_trunk(config)[0], small, NullProbe(), NullTensorLog())
    for i in range(2):
        session.forward(Position(0, i, 2), hidden_BTH, mask_BT, None)

    assert "send that one first" in refused(Reason.OUT_OF_ORDER, session.backward, Position(0, 1, 2), hidden_BTH)


def test_norms_come_with_the_last_microbatch(session, hidden_BTH, mask_BT):
    places = [Position(0, i, 2) for i in range(2)]
    for at in places:
        session.forward(at, hidden_BTH, mask_BT, None)

    assert session.backward(places[0], hidden_BTH).norms == {}
    norms = session.backward(places[1], hidden_BTH).norms
    assert {name: float(g.norm()) for name, g in session.gradients().items()} == norms
    assert session.weights().keys() == norms.keys()
    assert norms == session.backward(places[1], hidden_BTH).norms
    assert session.backward(places[0], hidden_BTH).norms == {}, "a repetition gets what it got before"


def test_gradients_are_those_that_accumulated(session, hidden_BTH, mask_BT):
    """Compared with the derivative of the sum over the microbatches, taken from the stage itself."""
    session._stage.eval()
    inputs = [hidden_BTH, hidden_BTH * 2]
    for i, smashed_BTH in enumerate(inputs):
        session.forward(Position(0, i, 2), smashed_BTH, mask_BT, None)
        session.backward(Position(0, i, 2), hidden_BTH)
    totals = [torch.zeros_like(p) for p in session._parameters.values()]
    for smashed_BTH in inputs:
        features_BTH = session._stage(smashed_BTH, mask_BT)
        gradients = torch.autograd.grad(features_BTH, list(session._parameters.values()), hidden_BTH)
        totals = [total + gradient for total, gradient in zip(totals, gradients, strict=True)]

    assert all(same_bits(total, g) for total, g in zip(totals, session.gradients().values(), strict=True))
    some = ["transformer.h.2.ln_1.bias", "transformer.h.1.mlp.c_fc.weight"]
    assert some == list(session.gradients(some))
    assert "'wte'" in refused(Reason.BAD_REQUEST, session.gradients, ["wte"])


def test_inference_has_no_dropout_and_changes_nothing(session, hidden_BTH, mask_BT):
    before = session.fingerprint()

    assert same_bits(session.infer(hidden_BTH, mask_BT), session.infer(hidden_BTH, mask_BT))
    assert (before, {}, 0) == (session.fingerprint(), session.gradients(), session._tape.nbytes)
    assert session._stage.training
    assert not session.infer(hidden_BTH, mask_BT).requires_grad


def test_a_refused_request_does_not_decide_how_many_microbatches_the_step_has(session, hidden_BTH, mask_BT):
    refused(Reason.FORWARD_NEEDED, session.backward, Position(0, 0, 7), hidden_BTH)
    session.forward(Position(0, 0, 3), hidden_BTH, mask_BT, None)

    refused(Reason.BAD_REQUEST, session.forward, Position(0, 0, 7), hidden_BTH, mask_BT, None)
