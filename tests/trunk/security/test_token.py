"""Callers without the token are refused, and the token stays secret."""

import hmac
import logging

import grpc
import pytest
from credentials import secret, token
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from trunk.server import hello_of, service_of
from trunk.stub import checksummed_stub

from splitlearn.errors import ConfigError
from splitlearn.runtime.clock import SystemClock
from splitlearn.trunk.server import Address, running_server
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.addresses import address_of, host_of, is_loopback
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.health import wait_until_serving

SECONDS = 30
METHODS = list(pb.DESCRIPTOR.services_by_name["ComputeService"].methods)


def refusal_of(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    status, info = rpc_status.from_call(caught.value), ErrorInfo()
    assert grpc.StatusCode.UNAUTHENTICATED is caught.value.code()
    assert status.details[0].Unpack(info)
    assert ("UNAUTHENTICATED", "splitlearn") == (info.reason, info.domain)
    assert "--token-file" in status.message
    return status.message


@pytest.fixture
def guarded(config, serve, files):
    """A channel to a trunk that asks for a token."""
    with grpc.insecure_channel(serve(config.but(**token(files))).address) as channel:
        yield channel


@pytest.mark.parametrize("method", METHODS, ids=[method.name for method in METHODS])
def test_no_request_is_served_without_the_token(guarded, method):
    request = getattr(pb, method.input_type.name)()
    call = getattr(checksummed_stub(guarded), method.name)

    message = refusal_of(
        lambda: list(answer) if hasattr(answer := call(request, timeout=SECONDS), "__next__") else answer
    )
    assert "got none" in message


@pytest.mark.parametrize(
    "path", ["/splitlearn.wire.ComputeService/Fly", "/no.such.Service/Fly", "/grpc.health.v1.Healthy/Check"]
)
def test_unknown_methods_are_not_told_apart_without_the_token(guarded, path):
    refusal_of(lambda: guarded.unary_unary(path)(b"", timeout=SECONDS))


def test_reflection_is_not_served_without_the_token(guarded, files):
    ask = reflection_pb2_grpc.ServerReflectionStub(guarded).ServerReflectionInfo
    requests = [reflection_pb2.ServerReflectionRequest(list_services="")]

    refusal_of(lambda: next(ask(iter(requests), timeout=SECONDS)))
    known = [("authorization", f"Bearer {secret(files)}")]
    assert next(ask(iter(requests), timeout=SECONDS, metadata=known)).list_services_response.service


def test_health_is_served_without_the_token(config, serve, trunk_kinds, client_kinds, guarded):
    asked = health_pb2.HealthCheckRequest(service="splitlearn.wire.ComputeService")
    assert health_pb2_grpc.HealthStub(guarded).Check(asked, timeout=SECONDS).status == 1

    wait_until_serving(serve(config.but(**trunk_kinds["token"])).address, SECONDS)
    wait_until_serving(serve(config.but(**trunk_kinds["all"])).address, SECONDS, config.but(**client_kinds["mutual"]))


def test_a_message_is_refused_before_it_is_taken(config, serve, files):
    """The client is refused though its message, larger than allowed, never arrives whole."""
    limits = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(serve(config.but(max_message_bytes=1 << 20, **token(files))).address, limits) as channel:
        refusal_of(lambda: channel.unary_unary(f"/{METHODS[0].full_name}")(bytes(4 << 20), timeout=SECONDS))


CHANGES = {
    "shorter": lambda value: value[:-1],
    "longer": lambda value: value + "a",
    "its beginning": lambda value: value[:16],
    "another last character": lambda value: value[:-1] + chr(ord(value[-1]) ^ 1),
    "another first character": lambda value: chr(ord(value[0]) ^ 1) + value[1:],
    "other letters' case": str.swapcase,
    "nothing": lambda _: "",
}


@pytest.mark.parametrize(
    "change",
    CHANGES.values(),
    ids=CHANGES,
)
def test_the_token_is_compared_in_full(guarded, files, change):
    given = [("authorization", f"Bearer {change(secret(files))}")]
    request = pb.SyncTrainingStateRequest()

    message = refusal_of(lambda: checksummed_stub(guarded).SyncTrainingState(request, timeout=SECONDS, metadata=given))
    assert "is not the trunk's" in message


@pytest.mark.parametrize(
    "headers", [["{}"], ["Basic {}"], ["Bearer {}", "Bearer other"], ["Bearer other", "Bearer {}"]]
)
def test_the_token_is_taken_in_one_form_only(guarded, files, headers):
    given = [("authorization", header.format(secret(files))) for header in headers]
    request = pb.SyncTrainingStateRequest()

    refusal_of(lambda: checksummed_stub(guarded).SyncTrainingState(request, timeout=SECONDS, metadata=given))


def test_the_comparison_takes_the_same_time_for_every_token(config, serve, trunk_kinds, client_kinds, monkeypatch):
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *pair: compared.append(pair) or compare(*pair))
    link = serve(config.but(**trunk_kinds["token"])).link(config.but(**client_kinds["token"]))
    link.open(hello_of(config))

    assert len(compared) == 1


def test_a_client_without_the_token_stops_at_once_and_says_what_to_do(config, serve, trunk_kinds, files, tmp_path):
    (tmp_path / "token").write_text("another-token-of-some-length")
    trunk = serve(config.but(**trunk_kinds["token"]))
    for settings, words in [({}, "got none"), (token(tmp_path), "is not the trunk's")]:
        failures = []
        with pytest.raises(WireError) as caught:
            trunk.link(config.but(**settings), failures=failures).open(hello_of(config))
        assert (Reason.UNAUTHENTICATED, Code.UNAUTHENTICATED) == (caught.value.reason, caught.value.code)
        assert words in caught.value.message
        assert "start the client with --token-file" in caught.value.message
        assert 1 == len(failures), "once more, on a new connection"


def test_the_token_is_never_logged_or_shown(config, serve, trunk_kinds, client_kinds, files, tmp_path, caplog, capfd):
    """Neither when it is right nor when it is wrong, at either side."""
    caplog.set_level(logging.DEBUG)
    wrong = "a-wrong-token-nobody-may-read"
    (tmp_path / "token").write_text(wrong)
    trunk = serve(config.but(**trunk_kinds["all"]))
    trunk.link(config.but(**client_kinds["all"])).open(hello_of(config))
    with pytest.raises(WireError) as caught:
        trunk.link(config.but(**client_kinds["mutual"], **token(tmp_path))).open(hello_of(config))
    trunk.stop()

    written = "".join([*capfd.readouterr(), caplog.text, repr(caught.value), repr(config.but(**client_kinds["all"]))])
    assert secret(files) not in written
    assert wrong not in written


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "trunk.example", "10.0.0.1"])  # noqa: S104 - refused
def test_a_token_is_not_sent_in_the_clear(config, trunk_kinds, client_kinds, host):
    with pytest.raises(ConfigError, match=r"without TLS anybody.*read the token; set up TLS"):
        GrpcTransport(config.but(trunk_address=address_of(host, 50051), **client_kinds["token"]), lambda _: None)
    serving = running_server(service_of(config), config.but(**trunk_kinds["token"]), Address(host, 0), SystemClock())
    with pytest.raises(ConfigError, match=r"without TLS anybody.*read the token; set up TLS"), serving:
        pass


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1:1", True), ("127.8.9.10:1", True), ("[::1]:1", True), ("localhost:1", True), ("LOCALHOST:1", True),
        ("0.0.0.0:1", False), ("[::]:1", False), ("128.0.0.1:1", False), ("localhost.example:1", False),
        ("127.0.0.1.example:1", False), ("127.0.0.1:1,10.0.0.1:1", False), ("dns:///localhost:1", False),
    ],
)  # fmt: skip
def test_only_loopback_addresses_are_inside_this_machine(address, inside):
    assert inside == is_loopback(host_of(address))


def test_an_address_of_ipv6_is_written_with_brackets():
    assert "[::1]:50051" == str(Address("::1", 50051))
    assert "::1" == host_of(str(Address("::1", 50051)))
