import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import pytest
import torch
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from trunk.server import Trunk, hello_of, opening_of, service_of

from splitlearn.errors import ConfigError
from splitlearn.trunk.server import Address, running_server
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.link import Commit, Hello, Position
from splitlearn.wire.messages import key_message
from splitlearn.wire.stub import sealed_stub
from splitlearn.wire.tensors import encode_tensor

SECONDS = 30
MIB = 1 << 20
SERVICE = "splitlearn.wire.ComputeService"


def open_at(trunk, config=None):
    link = trunk.link(config)
    link.open(hello_of(config or trunk.config))
    return link


def refused(reason, code, call, *arguments):
    with pytest.raises(WireError) as caught:
        call(*arguments)
    assert (reason, code) == (caught.value.reason, caught.value.code)
    return caught.value.message


def compute_request(incarnation, hidden_BTH, at=None):
    mask = encode_tensor(torch.ones(hidden_BTH.shape[:2], dtype=torch.uint8), "raw", 1 << 30)
    key = key_message("default", incarnation, at or Position(0, 0, 1))
    return pb.ComputeRequest(key=key, smashed=encode_tensor(hidden_BTH, "raw", 1 << 30), attention_mask=mask)


# Standards


@pytest.mark.parametrize("service", ["", SERVICE, "grpc.health.v1.Health"])
def test_it_is_healthy(channel, service):
    reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)

    assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_the_health_of_an_unknown_service_is_not_found(channel):
    with pytest.raises(grpc.RpcError) as caught:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="no.such"), timeout=SECONDS)
    assert grpc.StatusCode.NOT_FOUND is caught.value.code()


def test_reflection_lists_the_services(channel):
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    reply = next(
        reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]), timeout=SECONDS)
    )

    names = {service.name for service in reply.list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"} <= names


def test_a_refusal_carries_its_reason_as_error_info(channel):
    with pytest.raises(grpc.RpcError) as caught:
        sealed_stub(channel).Compute(pb.ComputeRequest(), timeout=SECONDS)
    status, info = rpc_status.from_call(caught.value), ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("UNKNOWN_SESSION", "splitlearn")
    assert grpc.StatusCode.NOT_FOUND is caught.value.code()
    assert status.message == caught.value.details()


# Sizes


def test_messages_above_four_mebibytes_pass(config, serve):
    """A batch of 2,000 sequences is 6 MiB."""
    link = open_at(serve(config))
    hidden_BTH = torch.randn(2000, 24, 32)
    assert hidden_BTH.nbytes > 5 * MIB

    features_BTH = link.infer(hidden_BTH, torch.ones(2000, 24)).result()
    assert hidden_BTH.shape == features_BTH.shape
    link.close()


def test_a_message_above_the_limit_is_refused_by_the_sender_with_advice(config, serve):
    config = config.but(max_message_bytes=MIB)
    link = open_at(serve(config), config)

    message = refused(
        Reason.TOO_LARGE, Code.RESOURCE_EXHAUSTED, link.infer, torch.zeros(2000, 24, 32), torch.ones(2000, 24)
    )
    assert "--max-message-bytes" in message


def test_a_message_above_the_trunks_limit_is_refused_by_the_trunk(config, serve):
    """The client's own limit is higher; gRPC at the trunk refuses the message, and it is not sent again."""
    trunk, failures = serve(config.but(max_message_bytes=MIB)), []
    link = trunk.link(config, failures=failures)
    link.open(hello_of(config))

    refused(
        Reason.TOO_LARGE,
        Code.RESOURCE_EXHAUSTED,
        link.infer(torch.zeros(2000, 24, 32), torch.ones(2000, 24)).result,
    )
    assert failures == []


def test_a_tensor_above_the_limit_in_a_message_below_it_is_refused(config):
    """A compressed tensor may be much larger than its message."""
    service = service_of(config.but(max_message_bytes=MIB))
    incarnation = service.open_session(opening(config)).incarnation
    request = compute_request(incarnation, torch.zeros(2000, 24, 32))
    request.smashed.CopyFrom(encode_tensor(torch.zeros(2000, 24, 32), "zlib", 1 << 30))
    assert request.ByteSize() < MIB

    assert "smashed" in refused(Reason.TOO_LARGE, Code.RESOURCE_EXHAUSTED, service.compute, request)


# The protocol's refusals


def opening(config, **changes):
    hello = hello_of(config)
    return opening_of(replace(hello, agreement={**hello.agreement, **changes}))


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
    old, new = open_at(trunk), open_at(trunk)
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

    session = trunk.service._sessions.get("default", link._incarnation)
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


# Threads and ends


class Blocking:
    """A service whose answers wait until they are let go."""

    def __init__(self):
        self.entered, self.go = threading.Event(), threading.Event()
        self.calls = 0

    def close_idle(self):
        """Nobody is idle here."""

    def sync_training_state(self, _request):
        """Wait, then answer."""
        self.calls += 1
        self.entered.set()
        assert self.go.wait(SECONDS)
        return pb.SyncTrainingStateReply(applied_step=self.calls)

    def compute(self, _request) -> Message:
        """Fail by a bug."""
        raise ZeroDivisionError("a planted bug")


@pytest.fixture
def blocking(config):
    service = Blocking()
    trunk = Trunk(config, service)
    with grpc.insecure_channel(trunk.address) as channel:
        yield service, sealed_stub(channel), trunk
        service.go.set()
        trunk.stop()


def test_a_bug_becomes_internal_and_the_server_lives_on(blocking, caplog):
    service, stub, _ = blocking
    with pytest.raises(grpc.RpcError) as caught:
        stub.Compute(pb.ComputeRequest(), timeout=SECONDS)
    assert grpc.StatusCode.INTERNAL is caught.value.code()
    assert caught.value.details() == "ZeroDivisionError: a planted bug"
    assert "a request failed by a bug" in caplog.text

    service.go.set()
    assert stub.SyncTrainingState(pb.SyncTrainingStateRequest(), timeout=SECONDS).applied_step == 1


def test_a_request_that_the_client_gave_up_is_not_carried_out(blocking):
    service, stub, _ = blocking
    first = stub.SyncTrainingState.future(pb.SyncTrainingStateRequest(), timeout=SECONDS)
    assert service.entered.wait(SECONDS)
    given_up = stub.SyncTrainingState.future(pb.SyncTrainingStateRequest(), timeout=SECONDS)
    given_up.cancel()
    last = stub.SyncTrainingState.future(pb.SyncTrainingStateRequest(), timeout=SECONDS)
    service.go.set()
    first.result()

    last.result()
    assert service.calls <= 3  # the cancelled one may have been taken before the cancellation arrived


def test_a_request_under_way_is_answered_before_the_server_stops(blocking):
    service, stub, trunk = blocking
    answer = stub.SyncTrainingState.future(pb.SyncTrainingStateRequest(), timeout=SECONDS)
    assert service.entered.wait(SECONDS)
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(trunk.stop)
        service.go.set()
        assert answer.result(SECONDS).applied_step == 1
        stopped.result(SECONDS)
    with pytest.raises(grpc.RpcError) as caught:
        stub.SyncTrainingState(pb.SyncTrainingStateRequest(), timeout=SECONDS)
    assert grpc.StatusCode.UNAVAILABLE is caught.value.code()


def test_a_port_in_use_is_an_error_with_advice(config, serve):
    port = int(serve(config).address.rpartition(":")[2])
    taken = running_server(service_of(config), config, Address("127.0.0.1", port))

    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}.*--port"), taken:
        pass


def test_requests_sent_twice_at_once_are_carried_out_once(config, serve):
    """Sixteen copies of each request in parallel; the weights are those of one."""

    def weights_after(copies):
        trunk = serve(config.but(session=f"copies-{copies}"))
        session = f"copies-{copies}"
        hello = hello_of(config, session=session)
        with grpc.insecure_channel(trunk.address) as channel:
            stub = sealed_stub(channel)
            opened = stub.OpenSession(opening_of(hello), timeout=SECONDS)
            generator = torch.Generator().manual_seed(0)
            for step in range(2):
                hidden = encode_tensor(torch.randn(2, 6, 32, generator=generator), "raw", MIB)
                mask = encode_tensor(torch.ones(2, 6, dtype=torch.uint8), "raw", MIB)
                key = key_message(session, opened.incarnation, Position(step, 0, 1))
                commit = pb.Commit(step=step, learning_rate=0.1, clip_coefficient=0.5)
                requests = [
                    (stub.Compute, pb.ComputeRequest(key=key, smashed=hidden, attention_mask=mask)),
                    (stub.Backward, pb.BackwardRequest(key=key, features_grad=hidden)),
                    (stub.SyncTrainingState, pb.SyncTrainingStateRequest(key=key, action=1, commit=commit)),
                ]
                for method, request in requests:
                    futures = [method.future(request, timeout=SECONDS) for _ in range(copies)]
                    replies = {future.result().SerializeToString(deterministic=True) for future in futures}
                    assert len(replies) == 1, "every copy gets the same bytes"
        return trunk.service._sessions.get(session, opened.incarnation).fingerprint()

    assert weights_after(1) == weights_after(16)
