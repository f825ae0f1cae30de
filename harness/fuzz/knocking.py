"""Calls a trunk as strangers do: with everything that an honest client has, except what each stranger lacks."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc

from harness.plan.scenario import Scenario
from harness.plan.strangers import (
    ANOTHER_TOKEN,
    ANOTHERS_CERTIFICATE,
    HANDSHAKE,
    NO_CERTIFICATE,
    NO_TOKEN,
    PLAIN_TEXT,
    SHOWN,
    UNAVAILABLE,
    strangers_of,
)
from splitlearn.commands.certificates import made
from splitlearn.config import TrainingConfig
from splitlearn.wire.credentials import bearer
from splitlearn.wire.methods import METHODS

__all__ = ["knock"]

SECONDS = 10.0
NOBODYS_TOKEN = "nobody-was-ever-given-this-token"  # noqa: S105 - it opens nothing
OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))


def knock(scenario: Scenario, address: str, tell: Callable[[str, str, str], object]) -> None:
    """Try every method as every stranger; yield who tried which, and the answer."""
    client, trunk = scenario.settings_of("client"), scenario.settings_of("trunk")
    for stranger in strangers_of(scenario):
        if stranger == HANDSHAKE:
            assert client.tls_ca
            assert trunk.tls_certificate
            tell(stranger, "", _certificate_shown(address, client.tls_ca, trunk.tls_certificate))
            continue
        for method, answer in _answers(stranger, client, address):
            tell(stranger, method, answer)
            if answer == UNAVAILABLE:  # no connection is left for another call
                break


def _answers(stranger: str, client: TrainingConfig, address: str) -> Iterator[tuple[str, str]]:
    credentials, token = _credentials(stranger, client), _token(stranger, client)
    metadata = (("authorization", bearer(token)),) if token else ()
    with (
        grpc.secure_channel(address, credentials, OPTIONS)
        if credentials
        else grpc.insecure_channel(address, OPTIONS) as channel
    ):
        for method in METHODS.values():
            ask: grpc.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(method.path)
            # Reading the code waits for the end of the call.
            yield method.name, ask(b"", timeout=SECONDS, metadata=metadata).code().name


def _credentials(stranger: str, client: TrainingConfig) -> grpc.ChannelCredentials | None:
    if client.tls_ca is None or stranger == PLAIN_TEXT:
        return None
    key = certificate = None
    if stranger == ANOTHERS_CERTIFICATE:
        others = made(["127.0.0.1"])
        key, certificate = others["client.key"], others["client.pem"]
    elif stranger != NO_CERTIFICATE and client.tls_certificate and client.tls_key:
        key, certificate = client.tls_key.read_bytes(), client.tls_certificate.read_bytes()
    return grpc.ssl_channel_credentials(client.tls_ca.read_bytes(), key, certificate)


def _token(stranger: str, client: TrainingConfig) -> str:
    if client.token_file is None or stranger == NO_TOKEN:
        return ""
    return NOBODYS_TOKEN if stranger == ANOTHER_TOKEN else client.token_file.read_text().strip()


def _certificate_shown(address: str, authority: Path, expected: Path) -> str:
    """Return whose certificate a handshake shows to a client that trusts the run's authority."""
    host, port = address.rsplit(":", 1)
    trusting = ssl.create_default_context(cafile=str(authority))
    trusting.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((host, int(port)), SECONDS) as plain,
            trusting.wrap_socket(plain, server_hostname=host) as encrypted,
        ):
            shown = encrypted.getpeercert(binary_form=True)
    except OSError as error:  # includes TLS errors
        return f"no handshake: {error}"
    return SHOWN if shown == ssl.PEM_cert_to_DER_cert(expected.read_text()) else "another certificate"
