"""Who is let in, and who is refused in which words."""

import hmac
import logging
import re

import grpc
import pytest
import torch
from client.runs import final_state, local_trunk, train
from exactness.uncut import same_bits
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from trunk.server import hello_of, service_of

from splitlearn.commands.certificates import DEFAULT_HOSTS, made
from splitlearn.errors import ConfigError
from splitlearn.trunk.server import Address, running_server
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.addresses import address_of, host_of, is_loopback
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.health import wait_until_serving
from splitlearn.wire.status import wire_error
from splitlearn.wire.stub import sealed_stub

SECONDS = 30
METHODS = list(pb.DESCRIPTOR.services_by_name["ComputeService"].methods)


def folder_of(files, folder):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Certificates, keys and a token of one authority."""
    return folder_of(made(DEFAULT_HOSTS), tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """The same of another authority, for another host."""
    return folder_of(made(["elsewhere.test"]), tmp_path_factory.mktemp("strange"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A trunk's files for another host; the authority is known."""
    return folder_of(made(["elsewhere.test"]), tmp_path_factory.mktemp("elsewhere"))


def own(folder, role):
    return {"tls_certificate": folder / f"{role}.pem", "tls_key": folder / f"{role}.key"}


def authority(folder):
    return {"tls_ca": folder / "ca.pem"}


def token(folder):
    return {"token_file": folder / "token"}


def secret(folder):
    return (folder / "token").read_text().strip()


@pytest.fixture
def trunk_kinds(files):
    """Settings of trunks by what they ask for."""
    return {
        "plain": {},
        "TLS": own(files, "trunk"),
        "mutual": own(files, "trunk") | authority(files),
        "token": token(files),
        "all": own(files, "trunk") | authority(files) | token(files),
    }


@pytest.fixture
def client_kinds(files, strange, elsewhere):
    """Settings of clients by what they trust and present."""
    return {
        "plain": {},
        "TLS": authority(files),
        "mutual": authority(files) | own(files, "client"),
        "token": token(files),
        "all": authority(files) | own(files, "client") | token(files),
        "another authority": authority(strange),
        "another's certificate": authority(files) | own(strange, "client"),
    }


# Let in


@pytest.mark.parametrize(
    ("trunk", "client"),
    [
        ("plain", "plain"), ("plain", "token"), ("TLS", "TLS"), ("TLS", "mutual"), ("TLS", "all"),
        ("mutual", "mutual"), ("token", "token"), ("all", "all"),
    ],
)  # fmt: skip
def test_a_client_that_shows_what_the_trunk_asks_for_is_let_in(config, serve, trunk_kinds, client_kinds, trunk, client):
    failures = []
    link = serve(config.but(**trunk_kinds[trunk])).link(config.but(**client_kinds[client]), failures=failures)
    link.open(hello_of(config))

    hidden_BTH = torch.randn(2, 6, 32)
    assert link.infer(hidden_BTH, torch.ones(2, 6)).result().shape == hidden_BTH.shape
    with pytest.raises(WireError) as caught:
        link.gradients(0)
    assert Reason.NO_GRADIENTS is caught.value.reason
    assert failures == []


def test_training_through_mutual_tls_with_a_token_gives_the_same_bits(
    config, serve, trunk_kinds, client_kinds, tmp_path
):
    # Without dropout: in one process both sides would draw from one generator.
    run = config.but(max_length=24, batch_size=2, gradient_accumulation_steps=2, dropout=0)
    calm, guarded = run.but(save_dir=tmp_path / "calm"), run.but(save_dir=tmp_path / "guarded")
    train(calm, local_trunk(calm))
    trunk = serve(guarded.but(**trunk_kinds["all"]))
    train(guarded, trunk.link(guarded.but(**client_kinds["all"])))

    expected, actual = final_state(calm), final_state(guarded)
    assert expected.keys() == actual.keys()
    assert all(same_bits(expected[name], actual[name]) for name in expected)


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(config, serve, trunk_kinds, client_kinds, monkeypatch):
    for name in ("no_proxy", "no_grpc_proxy", "grpc_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    link = serve(config.but(**trunk_kinds["token"])).link(config.but(**client_kinds["token"]), patience=0.2)

    assert link.open(hello_of(config)).applied_step == 0


# Refused before a request


@pytest.mark.parametrize(
    ("trunk", "client", "advice"),
    [
        ("TLS", "plain", "the trunk may speak TLS: give --tls-ca"),
        ("mutual", "plain", "the trunk may speak TLS: give --tls-ca"),
        ("plain", "TLS", "the trunk does not speak TLS: start it with --tls-certificate and --tls-key"),
        ("TLS", "another authority", "the trunk's certificate is not valid for --tls-ca"),
        ("mutual", "TLS", "the trunk may ask for a certificate: give --tls-certificate and --tls-key"),
        ("mutual", "another's certificate", "the trunk may ask for a certificate: give --tls-certificate"),
    ],
)
def test_a_handshake_that_fails_names_the_setting(config, serve, trunk_kinds, client_kinds, trunk, client, advice):
    link = serve(config.but(**trunk_kinds[trunk])).link(config.but(**client_kinds[client]), patience=0.2)

    with pytest.raises(WireError) as caught:
        link.open(hello_of(config))
    assert (Reason.TRANSPORT, Code.UNAVAILABLE) == (caught.value.reason, caught.value.code)
    assert advice in caught.value.message


def test_a_certificate_for_another_host_is_refused(config, serve, elsewhere):
    link = serve(config.but(**own(elsewhere, "trunk"))).link(config.but(**authority(elsewhere)), patience=0.2)

    with pytest.raises(WireError, match="the trunk's certificate names other hosts than that of --trunk-address"):
        link.open(hello_of(config))


def test_a_trunk_that_is_not_there_is_no_matter_of_tls(config):
    transport = GrpcTransport(config.but(trunk_address="127.0.0.1:1"), lambda _: None)

    with pytest.raises(WireError) as caught:
        transport.call("OpenSession", pb.OpenSessionRequest(), SECONDS).result()
    assert "tls" not in caught.value.message.lower()
    transport.close()


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_connection_that_breaks_later_is_no_matter_of_tls(encrypted):
    class Broken(grpc.RpcError):
        def code(self):
            return grpc.StatusCode.UNAVAILABLE

        def details(self):
            return "Socket closed"

        def trailing_metadata(self):
            return ()

    assert "Socket closed" == wire_error(Broken(), encrypted=encrypted).message


# The token


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
    call = getattr(sealed_stub(guarded), method.name)

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


def test_waiting_for_a_trunk_with_tls_needs_the_settings(config, serve, trunk_kinds, client_kinds):
    address = serve(config.but(**trunk_kinds["mutual"])).address

    with pytest.raises(WireError):
        wait_until_serving(address, 0.5)
    with pytest.raises(WireError):
        wait_until_serving(address, 0.5, config.but(**client_kinds["TLS"]))


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

    message = refusal_of(lambda: sealed_stub(guarded).SyncTrainingState(request, timeout=SECONDS, metadata=given))
    assert "is not the trunk's" in message


@pytest.mark.parametrize(
    "headers", [["{}"], ["Basic {}"], ["Bearer {}", "Bearer other"], ["Bearer other", "Bearer {}"]]
)
def test_the_token_is_taken_in_one_form_only(guarded, files, headers):
    given = [("authorization", header.format(secret(files))) for header in headers]
    request = pb.SyncTrainingStateRequest()

    refusal_of(lambda: sealed_stub(guarded).SyncTrainingState(request, timeout=SECONDS, metadata=given))


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
        assert failures == []


def test_the_token_is_never_written(config, serve, trunk_kinds, client_kinds, files, tmp_path, caplog, capfd):
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
    serving = running_server(service_of(config), config.but(**trunk_kinds["token"]), Address(host, 0))
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


# Files


def both_sides(config, settings):
    """Give what a client's and a trunk's side say to settings."""
    messages = []
    for start in (
        lambda: GrpcTransport(config.but(**settings), lambda _: None).close(),
        lambda: running_server(service_of(config), config.but(**settings), Address("127.0.0.1", 0)).__enter__(),
    ):
        with pytest.raises(ConfigError) as caught:
            start()
        messages.append(str(caught.value))
    return messages


BAD_TOKENS = {
    "nothing": b"",
    "blanks": b" \n \n",
    "fifteen characters": b"a" * 15 + b"\n",
    "not ASCII": "pässword-pässword".encode(),
    "blanks inside": b"password password",
    "two lines": b"password-password\npassword-password",
    "a binary file": bytes(99),
    "too long": b"a" * 1025,
}


@pytest.mark.parametrize("content", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_token_that_is_none_is_refused_without_being_shown(config, tmp_path, content):
    (tmp_path / "token").write_bytes(content)

    for message in both_sides(config, token(tmp_path)):
        assert f"token_file = {tmp_path / 'token'}: it must hold one token of 16 to 1024" in message
        assert "`splitlearn certificates` makes one" in message
        assert "ssword" not in message


def test_sixteen_characters_are_a_token(config, serve, tmp_path):
    (tmp_path / "token").write_text(" 0123456789abcdef \n")
    trunk = serve(config.but(**token(tmp_path)))

    with grpc.insecure_channel(trunk.address) as channel, pytest.raises(grpc.RpcError) as caught:
        sealed_stub(channel).Compute(
            pb.ComputeRequest(), timeout=SECONDS, metadata=[("authorization", "Bearer 0123456789abcdef")]
        )
    assert grpc.StatusCode.NOT_FOUND is caught.value.code()


BAD_FILES = {
    "garbage as authority": ({"tls_ca": "garbage"}, "tls_ca = .*: it must be a PEM file"),
    "an empty authority": ({"tls_ca": "empty"}, "tls_ca = .*: it must be a PEM file"),
    "a binary authority": ({"tls_ca": "binary"}, "tls_ca = .*: it must be a PEM file"),
    "a key as authority": ({"tls_ca": "client.key"}, "tls_ca = .*: it must be a PEM file"),
    "no authority": ({"tls_ca": "none"}, "tls_ca = .*: it cannot be read .*; give another file"),
    "a folder as authority": ({"tls_ca": "."}, "tls_ca = .*: it cannot be read"),
    "garbage as certificate": ({"tls_certificate": "garbage"}, "tls_certificate = .*they must be PEM files"),
    "no certificate": ({"tls_certificate": "none"}, "tls_certificate = .*: it cannot be read"),
    "garbage as key": ({"tls_key": "garbage"}, "tls_key = .*they must be PEM files"),
    "no key": ({"tls_key": "none"}, "tls_key = .*: it cannot be read"),
    "another's key": ({"tls_key": "client.key"}, "they must be PEM files of a certificate and of its private key"),
    "no token": ({"token_file": "none"}, "token_file = .*: it cannot be read"),
}


@pytest.mark.parametrize(("changes", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_files_that_cannot_be_used_are_named(config, files, tmp_path, changes, words):
    folder_of({path.name: path.read_bytes() for path in files.iterdir()}, tmp_path)
    folder_of({"garbage": b"no PEM file\n", "empty": b"", "binary": bytes(range(256))}, tmp_path)
    good = authority(tmp_path) | own(tmp_path, "trunk")

    for message in both_sides(config, good | {field: tmp_path / name for field, name in changes.items()}):
        assert re.search(words, message)


def test_half_a_pair_is_refused(config, files, serve):
    for half in ("tls_certificate", "tls_key"):
        with pytest.raises(ConfigError, match="tls_certificate and tls_key belong together: give both or neither"):
            config.but(**{half: own(files, "trunk")[half]})
    with pytest.raises(ConfigError, match="tls_certificate is given without tls_ca"):
        GrpcTransport(config.but(**own(files, "client")), lambda _: None)
    with pytest.raises(ConfigError, match="tls_ca is given without tls_certificate and tls_key"):
        serve(config.but(**authority(files)))
