"""`splitlearn health` says why a trunk does not serve, and what to do."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from trunk.server import Trunk

from splitlearn.commands.certificates import DEFAULT_HOSTS, made
from splitlearn.wire.health import SERVICE, NotServingError, _must_serve


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Certificates of one authority."""
    folder = tmp_path_factory.mktemp("files")
    for name, content in made(DEFAULT_HOSTS).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def encrypted(config, files):
    """The address of a trunk that speaks TLS."""
    trunk = Trunk(config.but(tls_certificate=files / "trunk.pem", tls_key=files / "trunk.key"))
    yield trunk.address
    trunk.stop()


@pytest.fixture
def unhealthy(splitlearn):
    """Ask a trunk that is not healthy; return what is reported."""

    def ask(address, *words):
        status, out, err = splitlearn("health", f"--trunk-address={address}", "--timeout=0.5", *words)
        assert (status, out) == (1, "")
        assert err.startswith(f"splitlearn health: {address} does not serve: ")
        assert "TRANSPORT" not in err
        return err

    return ask


def test_without_tls_it_is_told_to_use_it(unhealthy, encrypted):
    assert "TLS: give --tls-ca" in unhealthy(encrypted)


def test_with_another_authority_it_is_told_so(unhealthy, encrypted, tmp_path):
    (tmp_path / "other.pem").write_bytes(made(DEFAULT_HOSTS)["ca.pem"])

    assert "not valid for --tls-ca: give the file that signed it" in unhealthy(encrypted, "--tls-ca=other.pem")


def test_where_nobody_listens_it_is_told_what_to_look_at(unhealthy):
    assert "is `splitlearn trunk` running there, and is --trunk-address right?" in unhealthy("127.0.0.1:1")


class Answers(health_pb2_grpc.HealthServicer):
    """A health service that answers what it is told to."""

    def __init__(self, status):
        self._status = status

    def Watch(self, request, context):  # noqa: N802 - gRPC's own name
        """End the stream without an answer."""
        return iter(())

    def Check(self, request, context):  # noqa: N802 - as above
        """Answer once."""
        return health_pb2.HealthCheckResponse(status=self._status)


@pytest.fixture
def answering():
    """Serve health answers; return the address."""
    servers = []

    def serve(servicer):
        server = grpc.server(ThreadPoolExecutor(2))
        servers.append(server)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return f"127.0.0.1:{port}"

    yield serve
    for server in servers:
        server.stop(None).wait()


def test_a_trunk_that_stops_says_so(unhealthy, answering):
    answers = health.HealthServicer()
    answers.set(SERVICE, health_pb2.HealthCheckResponse.NOT_SERVING)

    said = unhealthy(answering(answers))

    assert "it says NOT_SERVING (it is starting or stopping; see its log)" in said
    assert "--trunk-address" not in said


def test_a_status_that_this_version_does_not_know_is_reported_by_its_number(unhealthy, answering):
    assert "it says status 77" in unhealthy(answering(Answers(77)))


def test_a_call_that_ends_well_without_an_answer_is_no_traceback():
    with pytest.raises(NotServingError, match="it says nothing"):
        _must_serve(lambda *_, **__: None, encrypted=False)


def test_a_trunk_that_serves_when_it_is_asked_why_it_does_not_is_healthy(splitlearn, answering):
    address = answering(Answers(health_pb2.HealthCheckResponse.SERVING))
    assert splitlearn("health", f"--trunk-address={address}", "--timeout=0.5") == (0, f"{address} serves\n", "")


class Garbage(grpc.GenericRpcHandler):
    """Answers every call with what is no message."""

    def service(self, details):
        """Return the handler of one call."""
        if details.method.endswith("Watch"):
            return grpc.unary_stream_rpc_method_handler(lambda *_: iter((b"\xff\xff\xff",)))
        return grpc.unary_unary_rpc_method_handler(lambda *_: b"\xff\xff\xff")


def test_an_answer_that_cannot_be_read_is_told_without_a_traceback(unhealthy, caplog):
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Garbage(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        assert "it says nothing" in unhealthy(f"127.0.0.1:{port}")
    finally:
        server.stop(None).wait()
    assert "Traceback" not in caplog.text
