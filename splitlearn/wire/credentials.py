"""TLS, mutual TLS and the token, from the files that the settings name."""

import re
import ssl
from pathlib import Path

import grpc

from splitlearn.config import TrainingConfig
from splitlearn.errors import ConfigError
from splitlearn.wire.addresses import is_loopback

__all__ = ["bearer", "client_tls", "read_token", "server_tls"]

# Visible ASCII, as in HTTP headers; the longest still fits the metadata limit.
TOKEN = re.compile(r"[!-~]{16,1024}")


def client_tls(config: TrainingConfig) -> grpc.ChannelCredentials | None:
    """Return the client's TLS credentials; None means no TLS.

    Raises:
        ConfigError: a file is missing, unreadable or invalid.
    """
    own = _own_certificate(config)
    if config.tls_ca is None:
        if own:
            raise ConfigError("tls_certificate is given without tls_ca: give the file that signed the trunk's, too")
        return None
    key, certificate = own or (None, None)
    return grpc.ssl_channel_credentials(_authority(config.tls_ca), key, certificate)


def server_tls(config: TrainingConfig) -> grpc.ServerCredentials | None:
    """Return the trunk's TLS credentials; None means no TLS.

    Raises:
        ConfigError: a file is missing, unreadable or invalid.
    """
    own = _own_certificate(config)
    if own is None:
        if config.tls_ca:
            raise ConfigError("tls_ca is given without tls_certificate and tls_key: give the trunk's own, too")
        return None
    authority = _authority(config.tls_ca) if config.tls_ca else None
    return grpc.ssl_server_credentials([own], authority, require_client_auth=authority is not None)


def read_token(config: TrainingConfig, host: str, *, encrypted: bool) -> str:
    """Read the token; empty if none is configured.

    Args:
        config: names the file.
        host: where the token is sent or received.
        encrypted: whether the connection uses TLS.

    Raises:
        ConfigError: the file holds no valid token, or the token would travel unencrypted.
    """
    path = config.token_file
    if path is None:
        return ""
    token = _bytes("token_file", path).decode("ascii", errors="replace").strip()
    if not TOKEN.fullmatch(token):
        raise ConfigError(
            f"token_file = {path}: it must hold one token of 16 to 1024 visible ASCII characters; "
            "`splitlearn certificates` makes one"
        )
    if not encrypted and not is_loopback(host):
        raise ConfigError(
            f"token_file = {path}: without TLS anybody on the way to or from {host} could read the token; "
            "set up TLS (tls_ca at the client, tls_certificate and tls_key at the trunk) or use a loopback address"
        )
    return token


def bearer(token: str) -> str:
    """Return the value of the `authorization` header."""
    return f"Bearer {token}"


def _own_certificate(config: TrainingConfig) -> tuple[bytes, bytes] | None:
    """Read private key and certificate, and check that they match."""
    if config.tls_certificate is None or config.tls_key is None:
        return None
    key, certificate = _bytes("tls_key", config.tls_key), _bytes("tls_certificate", config.tls_certificate)
    try:
        # The password keeps OpenSSL from asking for one.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_certificate, config.tls_key, password="")
    except ssl.SSLError as error:
        raise ConfigError(
            f"tls_certificate = {config.tls_certificate}, tls_key = {config.tls_key}: they must be PEM files of a "
            f"certificate and of its private key, without a password ({error.reason})"
        ) from None
    return key, certificate


def _authority(path: Path) -> bytes:
    pem = _bytes("tls_ca", path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise ConfigError(f"tls_ca = {path}: it must be a PEM file of the certificate that signs the others") from None
    return pem


def _bytes(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{field} = {path}: it cannot be read ({error.strerror}); give another file") from None
