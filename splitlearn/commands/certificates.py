"""`splitlearn certificates`: files for TLS and the token, for development."""

import argparse
import os
import secrets
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from splitlearn.errors import ConfigError
from splitlearn.files import make_out_folder
from splitlearn.wire.addresses import address_of, is_loopback

__all__ = ["add_flags", "run"]

DEFAULT_HOSTS = ("localhost", "127.0.0.1", "::1")
PORT = 50051
VALID_DAYS = 365
TOKEN_BYTES = 32


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the files")
    parser.add_argument(
        "--host",
        nargs="+",
        default=DEFAULT_HOSTS,
        metavar="NAME",
        help=f"names and addresses by which clients reach the trunk (default: {' '.join(DEFAULT_HOSTS)})",
    )


def run(flags: argparse.Namespace) -> int:
    """Write the files and print the commands that use them."""
    files = made(flags.host)
    standing = sorted(name for name in files if (flags.out / name).exists())
    if standing:
        raise ConfigError(f"{flags.out} has {', '.join(standing)} already; choose another --out, or remove them")
    make_out_folder(flags.out)
    for name, content in files.items():
        write_once(flags.out / name, content)
    sys.stdout.write(advice(flags.out, flags.host[0]))
    return 0


def made(hosts: list[str]) -> dict[str, bytes]:
    """Make a certificate authority, one certificate per side and a token; the authority's own key is not kept."""
    until = datetime.now(UTC) + timedelta(days=VALID_DAYS)
    authority = trustme.CA()
    try:
        trunk = authority.issue_cert(*hosts, not_after=until)
    except ValueError as error:
        raise ConfigError(f"host = {' '.join(hosts)}: give names and addresses without a port ({error})") from None
    client = authority.issue_cert("client", not_after=until)
    return {
        "ca.pem": authority.cert_pem.bytes(),
        "trunk.pem": trunk.cert_chain_pems[0].bytes(),
        "trunk.key": trunk.private_key_pem.bytes(),
        "client.pem": client.cert_chain_pems[0].bytes(),
        "client.key": client.private_key_pem.bytes(),
        "token": secrets.token_urlsafe(TOKEN_BYTES).encode() + b"\n",
    }


def write_once(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet; only certificates are readable by others."""
    mode = 0o644 if path.suffix == ".pem" else 0o600
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)


def advice(folder: Path, host: str) -> str:
    """Return the two commands that use the files."""

    def command(name: str, *flags: str) -> str:
        files = [f"--tls-ca={folder / 'ca.pem'}", f"--token-file={folder / 'token'}"]
        files += [f"--tls-certificate={folder / name}.pem", f"--tls-key={folder / name}.key"]
        return shlex.join(["splitlearn", *flags, *files])

    listen = host if is_loopback(host) else "0.0.0.0"  # noqa: S104 - the certificate is for a name outside this machine
    return (
        "For development only. Give the client ca.pem, client.pem, client.key and token, and the trunk the others with "
        "ca.pem and token:\n"
        f"  {command('trunk', 'trunk', f'--host={listen}', f'--port={PORT}')}\n"
        f"  {command('client', 'train', f'--trunk-address={address_of(host, PORT)}')}\n"
    )
