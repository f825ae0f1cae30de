"""Certificates, keys and tokens that cannot be used, and the words that refuse them."""

import re

import grpc
import pytest
from credentials import authority, folder_of, own, token
from trunk.server import service_of
from trunk.stub import checksummed_stub

from splitlearn.errors import ConfigError
from splitlearn.runtime.clock import SystemClock
from splitlearn.trunk.server import Address, running_server
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.grpc_transport import GrpcTransport

SECONDS = 30


def both_sides(config, settings):
    """Return what a client's and a trunk's side say to settings."""
    messages = []
    for start in (
        lambda: GrpcTransport(config.but(**settings), lambda _: None).close(),
        lambda: running_server(
            service_of(config), config.but(**settings), Address("127.0.0.1", 0), SystemClock()
        ).__enter__(),
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
def test_an_invalid_token_is_refused_without_being_shown(config, tmp_path, content):
    (tmp_path / "token").write_bytes(content)

    for message in both_sides(config, token(tmp_path)):
        assert f"token_file = {tmp_path / 'token'}: it must hold one token of 16 to 1024" in message
        assert "`splitlearn certificates` makes one" in message
        assert "ssword" not in message


def test_sixteen_characters_are_a_token(config, serve, tmp_path):
    (tmp_path / "token").write_text(" 0123456789abcdef \n")
    trunk = serve(config.but(**token(tmp_path)))

    with grpc.insecure_channel(trunk.address) as channel, pytest.raises(grpc.RpcError) as caught:
        checksummed_stub(channel).Compute(
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
