"""The trunk's server keeps to the standards of gRPC, lives on after a bug, and answers before it stops."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import torch
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from trunk.server import Trunk, hello_of, opening_of, service_of
from trunk.stub import checksummed_stub

from splitlearn.errors import ConfigError
from splitlearn.runtime.clock import SystemClock
from splitlearn.trunk.server import Address, running_server
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.messages import key_message
from splitlearn.wire.tensors import encode_tensor
from splitlearn.wire.trunk_link import Position

SECONDS = 30
MIB = 1 << 20
SERVICE = "splitlearn.wire.ComputeService"


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
        checksummed_stub(channel).Compute(pb.ComputeRequest(), timeout=SECONDS)
    status, info = rpc_status.from_call(caught.value), ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("UNKNOWN_SESSION", "splitlearn")
    assert grpc.StatusCode.NOT_FOUND is caught.value.code()
    assert status.message == caught.value.details()


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
        yield service, checksummed_stub(channel), trunk
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


def test_a_request_in_flight_is_answered_before_the_server_stops(blocking):
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
    taken = running_server(service_of(config), config, Address("127.0.0.1", port), SystemClock())

    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}.*--port"), taken:
        pass


def test_requests_sent_twice_at_once_are_carried_out_once(config, serve):
    """Sixteen copies of each request in parallel; the weights are those of one."""

    def weights_after(copies):
        trunk = serve(config.but(session=f"copies-{copies}"))
        session = f"copies-{copies}"
        hello = hello_of(config, session=session)
        with grpc.insecure_channel(trunk.address) as channel:
            stub = checksummed_stub(channel)
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
        return trunk.service._sessions.get(session, opened.incarnation).session.fingerprint()

    assert weights_after(1) == weights_after(16)
