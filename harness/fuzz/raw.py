"""Raw bytes for the trunk's port: not HTTP/2, or only its beginning."""

import asyncio
import random
import struct
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["RAW_KINDS", "SILENT", "HttpAttack", "drawn", "ending"]

KINDS = ("random bytes", "cut preface", "cut frame", "huge frame", "random frames", "connect and close")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = struct.pack(">I", 0)[1:] + bytes([4, 0]) + bytes(4)
# The trunk allows ten seconds to set a connection up.
CLOSED_WITHIN_SECONDS = 45.0


@dataclass(frozen=True)
class HttpAttack:
    """Bytes for one connection."""

    kind: str
    data: bytes


SILENT = HttpAttack("silent", b"")
RAW_KINDS = (*KINDS, SILENT.kind)


def drawn(chance: random.Random) -> HttpAttack:
    """Draw a kind and its bytes."""
    kind = chance.choice(KINDS)
    match kind:
        case "random bytes":
            data = chance.randbytes(chance.randint(1, 400))
        case "cut preface":
            data = PREFACE[: chance.randrange(1, len(PREFACE))]
        case "cut frame":
            whole = frame(chance, chance.randint(8, 300))
            data = PREFACE + SETTINGS + whole[: chance.randrange(1, len(whole))]
        case "huge frame":
            data = PREFACE + SETTINGS + b"\xff\xff\xff" + frame(chance, 300)[3:]
        case "random frames":
            frames = (frame(chance, chance.randrange(64)) for _ in range(chance.randint(1, 8)))
            data = PREFACE + SETTINGS + b"".join(frames)
        case _:
            data = b""
    return HttpAttack(kind, data)


def frame(chance: random.Random, size: int) -> bytes:
    """Return an HTTP/2 frame of any type, flags, stream and content."""
    head = struct.pack(">I", size)[1:] + bytes([chance.randrange(12), chance.randrange(256)])
    return head + chance.randbytes(4) + chance.randbytes(size)


async def ending(address: str, attack: HttpAttack) -> str:
    """Connect, send, and return how the connection ended: closed or reset by the trunk, left, or still open."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        if attack.kind == "connect and close":
            return "left"
        writer.write(attack.data)
        if attack is not SILENT:
            writer.write_eof()
        await asyncio.wait_for(_drained(reader), CLOSED_WITHIN_SECONDS)
    except TimeoutError:
        return "still open"
    except ConnectionError:
        return "reset"
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return "closed"


async def _drained(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 16):
        pass
