"""A lying trunk: an HTTP/2 server in this process that answers as instructed."""

import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from types import TracebackType

from google.protobuf.message import Message

from harness.fuzz.answers import Ask, honest
from harness.fuzz.http2 import ACK, DATA, END_STREAM, PING, PREFACE, SETTINGS, WINDOW_UPDATE, frame
from harness.fuzz.lie import Lie
from harness.listening import accepted
from splitlearn.wire.checksum import checksum_of, origin_of, verify
from splitlearn.wire.errors import WireError
from splitlearn.wire.methods import METHODS

__all__ = ["Liar"]

HEADER = 9
PREFIX = 5


class Liar(AbstractContextManager["Liar"]):
    """Answers honestly except for the lies that are set; every connection and thread ends with the `with` block.

    Args:
        replies: an honest trunk's replies, by method.

    Attributes:
        address: HOST:PORT.
        told: methods that were lied to, in order.
    """

    def __init__(self, replies: Mapping[str, tuple[Message, ...]]) -> None:
        self._replies = replies
        self._lie: Lie | None = None
        self.told: list[str] = []
        self._changing = threading.Lock()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._server.getsockname())
        self._start(self._accept)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        for one in (self._server, *self._connections):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join()

    def tell(self, lie: Lie | None) -> None:
        """Answer the next request with this lie; None withdraws one that was not told."""
        with self._changing:
            self._lie = lie

    def _start(self, run: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True, name="liar")
        self._threads = [*(old for old in self._threads if old.is_alive()), thread]
        thread.start()

    def _accept(self) -> None:
        for connection in accepted(self._server):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections = [*(one for one in self._connections if one.fileno() >= 0), connection]
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as stream:
            if stream.read(len(PREFACE)) != PREFACE:
                return
            connection.sendall(frame(SETTINGS, 0, 0))
            bodies: dict[int, bytes] = {}
            while len(head := stream.read(HEADER)) == HEADER:
                size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                number = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
                payload = stream.read(size)
                if kind in (SETTINGS, PING) and not flags & ACK:
                    connection.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
                elif kind == DATA:
                    bodies[number] = bodies.get(number, b"") + payload
                    if payload:
                        connection.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", size)))
                    if flags & END_STREAM and not self._answer(connection, number, bodies.pop(number)[PREFIX:]):
                        return

    def _answer(self, connection: socket.socket, stream: int, request: bytes) -> bool:
        """Answer a request; return whether the connection continues."""
        method = next(name for name in METHODS if _is_for(name, request))
        ask = Ask(stream, method, checksum_of(request), self._replies[method])
        with self._changing:
            lie, self._lie = self._lie, None
            if lie:
                self.told.append(method)
        connection.sendall(lie.answer(ask) if lie else honest(ask))
        return lie is None or not lie.ends_connection


def _is_for(method: str, request: bytes) -> bool:
    try:
        verify(request, origin_of(method))
    except WireError:
        return False
    return True
