"""Messages that are lost, duplicated, damaged or requested again change no bits."""

import json

import pytest
import torch
from client.runs import (
    ScriptedTransport,
    assert_same,
    data_of,
    direct,
    final_state,
    local_trunk,
    remote_trunk,
    train,
)
from transformers import GPT2LMHeadModel
from trunk.server import Trunk, service_of

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.lossy import LossyTransport, Mishandling
from splitlearn.wire.tensors import encode_tensor


@pytest.mark.parametrize("method", ["Compute", "Backward"])
def test_an_answer_in_another_codec_than_the_request_is_asked_for_again(run, undisturbed, method):
    lossy, noticed = [], []

    def answer(called, request):
        if called != method or lossy:
            return None
        tensor = request.smashed if method == "Compute" else request.features_grad
        lossy.append(encode_tensor(torch.zeros(tuple(tensor.shape)), "fp16", 1 << 20))
        return pb.ComputeReply(features=lossy[0]) if method == "Compute" else pb.BackwardReply(smashed_grad=lossy[0])

    train(run, remote_trunk(ScriptedTransport(service_of(run), answer), run, lambda: noticed.append(method)))

    assert [method] == noticed
    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("seed", range(3))
def test_lost_and_doubled_messages_change_nothing(run, undisturbed, seed):
    transport = LossyTransport(direct(service_of(run)), seed)
    train(run, remote_trunk(transport, run))

    assert set(Mishandling) == set(transport.happened)
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
    assert set(Mishandling) == set(wrapped[0].happened)
    assert_same(undisturbed_without_dropout, final_state(run))


@pytest.mark.parametrize("kind", [Mishandling.REQUEST_CORRUPTED, Mishandling.REPLY_CORRUPTED])
def test_a_message_that_arrived_damaged_is_asked_for_again(run, undisturbed, kind):
    failures = []
    transport = LossyTransport(direct(service_of(run)), 1, kinds=[kind])
    train(run, remote_trunk(transport, run, lambda: failures.append(kind)))

    assert_same(undisturbed, final_state(run))
    assert transport.happened[kind] == len(failures) > 0


@pytest.mark.parametrize("limit", [10_000, 40_000, 600_000])
@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_a_trunk_with_little_memory_changes_nothing(run, undisturbed, limit, loss):
    """Graphs and inputs are evicted: forward passes are computed again, or asked for again."""
    small = run.model_copy(update={"max_pending_bytes": limit})
    transport = LossyTransport(direct(service_of(small)), 1, share=loss)
    train(run, remote_trunk(transport, run))

    assert_same(undisturbed, final_state(run))


@pytest.mark.parametrize("limit", [10_000, 40_000])
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
    result = train(noisy, remote_trunk(LossyTransport(direct(service_of(noisy)), 2), noisy), data=data)

    skipped = [json.loads(line)["skipped"] for line in result.metrics.read_text().splitlines()]
    assert 2 == sum(skipped), "once an epoch"
    assert_same(final_state(calm), final_state(noisy))


def test_norms_that_a_trunk_reports_for_the_clients_parameters_are_ignored(run, undisturbed):
    service = service_of(run)

    def meddle(method, request):
        if method != "Backward":
            return None
        reply = service.backward(request)
        if reply.norms:
            reply.norms.extend(pb.ParameterNorm(name=name, norm=1e6) for name in ("transformer.wte.weight", "x"))
        return reply

    train(run, remote_trunk(ScriptedTransport(service, meddle), run))
    assert_same(undisturbed, final_state(run))
