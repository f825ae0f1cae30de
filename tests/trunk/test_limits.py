"""Every limit of the trunk's server."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from trunk.server import Trunk
from trunk.stub import checksummed_stub

from splitlearn.commands.certificates import made
from splitlearn.trunk import server as trunk_server
from splitlearn.trunk import visits
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.reception import Reception
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire import options
from splitlearn.wire.methods import METHODS

SECONDS = 30
REQUEST = pb.SyncTrainingStateRequest()


class Gate:
    """A service whose answers wait until they are let go."""

    def __init__(self):
        self.entered, self.go = threading.Event(), threading.Event()
        self.calls = 0

    def sync_training_state(self, _request):
        """Wait, then answer."""
        self.calls += 1
        self.entered.set()
        assert self.go.wait(SECONDS)
        return pb.SyncTrainingStateReply(applied_step=self.calls)

    def close_idle(self):
        """Nobody's place is given up; asked once a second."""


@pytest.fixture
def gate(config):
    """Such a service and the address of its trunk, which gives requests without a deadline 0.2 seconds."""
    service = Gate()
    trunk = Trunk(config.but(rpc_timeout=0.2), service)
    yield service, trunk.address
    service.go.set()
    trunk.stop()


def ask(channel, **arguments):
    return checksummed_stub(channel).SyncTrainingState.future(REQUEST, **arguments)


def test_twice_a_steps_requests_in_flight_pass_over_one_connection(gate):
    service, address = gate
    with grpc.insecure_channel(address) as channel:
        answers = [ask(channel, timeout=SECONDS) for _ in range(256)]
        assert service.entered.wait(SECONDS)
        service.go.set()

        assert {answer.result().applied_step for answer in answers} == set(range(1, 257))


def test_more_requests_at_once_than_allowed_are_refused(gate):
    service, address = gate
    apart = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(address, apart) for _ in range(5)]
    refused = threading.Semaphore(0)
    answers = [ask(channel, timeout=SECONDS) for channel in channels for _ in range(options.MAX_STREAMS)]
    for answer in answers:
        answer.add_done_callback(lambda _: refused.release())
    excess = len(answers) - trunk_server.MOST_REQUESTS
    assert all(refused.acquire(timeout=SECONDS) for _ in range(excess))
    service.go.set()

    codes = [answer.code() for answer in answers]
    assert excess == codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) > 0
    assert trunk_server.MOST_REQUESTS == codes.count(grpc.StatusCode.OK)
    for channel in channels:
        channel.close()


def settings_of(connection):
    """Read the settings that an HTTP/2 server announces first."""
    with connection.makefile("rb") as file:
        header = file.read(9)
        assert header[3] == 4
        content = file.read(int.from_bytes(header[:3], "big"))
    pairs = (content[at : at + 6] for at in range(0, len(content), 6))
    return {int.from_bytes(pair[:2], "big"): int.from_bytes(pair[2:], "big") for pair in pairs}


def connected(trunk):
    return socket.create_connection(("127.0.0.1", int(trunk.address.rpartition(":")[2])), timeout=SECONDS)


def test_the_limits_of_a_connection_are_announced(config, serve):
    with connected(serve(config)) as connection:
        announced = settings_of(connection)

    max_concurrent_streams, max_header_list_size = 3, 6
    assert options.MAX_STREAMS == announced[max_concurrent_streams] == 256
    assert options.MAX_METADATA_BYTES == announced[max_header_list_size] == 8192


@pytest.mark.parametrize("size", [options.MAX_METADATA_BYTES + 1, 3 * options.MAX_METADATA_BYTES])
def test_headers_above_the_limit_are_refused(config, serve, size):
    with grpc.insecure_channel(serve(config).address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        assert check(health_pb2.HealthCheckRequest(), timeout=SECONDS, metadata=[("x", "a" * 7000)]).status == 1

        with pytest.raises(grpc.RpcError) as caught:
            check(health_pb2.HealthCheckRequest(), timeout=SECONDS, metadata=[("x", "a" * size)])
    assert grpc.StatusCode.RESOURCE_EXHAUSTED is caught.value.code()
    assert "metadata size" in caught.value.details()


def test_more_connections_than_allowed_are_closed(config, serve):
    trunk = serve(config)
    allowed = [connected(trunk) for _ in range(options.MAX_CONNECTIONS)]
    assert all(settings_of(connection) for connection in allowed)

    with connected(trunk) as one_more:
        assert b"" == one_more.recv(1)
    for connection in allowed:
        connection.close()


@pytest.mark.parametrize("kind", ["plain", "TLS"])
@pytest.mark.parametrize("words", [b"", b"P"], ids=["silent", "slow"])
def test_a_connection_that_is_not_set_up_in_time_is_closed(config, serve, tmp_path, monkeypatch, kind, words):
    assert options.HANDSHAKE_TIMEOUT_MS == 30_000
    monkeypatch.setattr(options, "HANDSHAKE_TIMEOUT_MS", 300)

    if kind == "TLS":
        for name, content in made(["127.0.0.1"]).items():
            (tmp_path / name).write_bytes(content)
        config = config.but(tls_certificate=tmp_path / "trunk.pem", tls_key=tmp_path / "trunk.key")

    with connected(serve(config)) as connection:
        connection.sendall(words if kind == "plain" else words and b"\x16")
        while connection.recv(4096):
            pass


def test_a_request_without_a_deadline_is_given_up_and_not_computed(gate):
    service, address = gate
    with grpc.insecure_channel(address) as channel:
        patient = ask(channel, timeout=SECONDS)
        assert service.entered.wait(SECONDS)
        with pytest.raises(grpc.RpcError) as caught:
            ask(channel).result(SECONDS)
        assert grpc.StatusCode.DEADLINE_EXCEEDED is caught.value.code()
        assert "not answered within 0.2 s" in caught.value.details()
        service.go.set()

        assert patient.result().applied_step == 1
        assert ask(channel, timeout=SECONDS).result().applied_step == 2


def test_a_request_without_a_deadline_is_given_up_while_it_is_computed(gate):
    _, address = gate
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        ask(channel).result(SECONDS)
    assert grpc.StatusCode.DEADLINE_EXCEEDED is caught.value.code()


def test_a_request_that_is_given_up_before_its_turn_is_not_carried_out():
    async def give_up():
        with ThreadPoolExecutor(1) as compute:
            dispatch = Dispatch(service)
            reception = Reception(dispatch, compute, None, 0.0, None, None)
            call = dispatch.read("SyncTrainingState", METHODS["SyncTrainingState"].write_request(REQUEST))
            first, second = (asyncio.create_task(reception._carried_out(call)) for _ in range(2))
            await asyncio.to_thread(service.entered.wait, SECONDS)
            second.cancel()
            await asyncio.wait([second])
            service.go.set()
            assert (await first)[0].applied_step == 1

    service = Gate()
    asyncio.run(give_up())
    assert service.calls == 1


def test_the_page_on_security_has_every_limit():
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    limits = [
        options.MAX_STREAMS,
        trunk_server.MOST_REQUESTS,
        options.MAX_METADATA_BYTES,
        options.MAX_CONNECTIONS,
    ]
    limits += [options.HANDSHAKE_TIMEOUT_MS // 1000, options.IDLE_MS // 1000, trunk_server.MOST_READ]
    limits += [visits.MOST_VISITS, visits.MOST_VISITS_READ, int(visits.VISIT_SECONDS)]

    assert [limit for limit in limits if f"| {limit} " not in page] == []
