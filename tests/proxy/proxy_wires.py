"""Real sockets on both sides of a proxy, and the HTTP API without any client library in between."""

import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote

from harness.proxy.client import ProxyHandle, Toxic, ToxiproxyClient

DEADLINE_S = 15.0
_names = count()


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    content_type: str
    text: str

    @property
    def value(self):
        """The body as JSON."""
        return json.loads(self.text)


def request(
    client: ToxiproxyClient, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
) -> Reply:
    data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    url = f"http://{client.host}:{client.port}{path}"
    asked = urllib.request.Request(url, data, {"User-Agent": "tests", **(headers or {})}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(asked, timeout=DEADLINE_S)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return Reply(answer.status, answer.headers.get("Content-Type", ""), answer.read().decode())


def eventually(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail at the deadline."""
    pause = threading.Event()
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        pause.wait(0.002)


def connect(address: str) -> socket.socket:
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=DEADLINE_S)


def read_exactly(source: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = source.recv(min(1 << 20, size - len(data)))
        assert piece, f"closed after {len(data)} of {size} bytes"
        data += piece
    return bytes(data)


def push(sender: socket.socket, most: int) -> Iterator[int]:
    """Send without end, up to `most` bytes, giving the size of each piece that went."""
    for _ in range(0, most, 1 << 18):
        yield sender.send(bytes(1 << 18))


def fill(sender: socket.socket, most: int = 1 << 30) -> int:
    """Send until nothing more is accepted for a while; return the number of bytes sent."""
    sender.settimeout(0.3)
    sent = 0
    try:
        for size in push(sender, most):
            sent += size
    except TimeoutError:
        sender.settimeout(DEADLINE_S)
        return sent
    raise AssertionError(f"{most} bytes went and there was still room")


def read_to_end(source: socket.socket) -> bytes:
    return b"".join(iter(lambda: source.recv(1 << 16), b""))


def reset(closing: socket.socket) -> None:
    closing.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    closing.close()


def address_of(listener: socket.socket) -> str:
    return "{}:{}".format(*listener.getsockname())


@dataclass(frozen=True)
class Wire:
    """One connection through a proxy; `server` is the upstream's end of it."""

    proxy: ProxyHandle
    client: socket.socket
    server: socket.socket

    def ends(self, stream: str) -> tuple[socket.socket, socket.socket]:
        """The sending and the receiving socket of a direction."""
        return (self.client, self.server) if stream == "upstream" else (self.server, self.client)


class Bench:
    """Makes proxies in front of one upstream, and connections through them."""

    def __init__(self, client: ToxiproxyClient) -> None:
        self.client = client
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE_S)
        self._opened: list[socket.socket] = [self.listener]
        self._proxies: list[str] = []

    def proxy(self, *toxics: Toxic, upstream: str = "", name: str = "") -> ProxyHandle:
        """Make a proxy with these toxics on it."""
        name = name or f"proxy_{next(_names)}"
        handle = self.client.create_proxy(name, upstream or address_of(self.listener))
        self._proxies.append(name)
        for toxic in toxics:
            handle.add_toxic(toxic)
        return handle

    def connected(self, proxy: ProxyHandle) -> Wire:
        """Open a connection through the proxy."""
        client = connect(proxy.listen)
        server, _ = self.listener.accept()
        server.settimeout(DEADLINE_S)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._opened.append(end)
        return Wire(proxy, client, server)

    def wire(self, *toxics: Toxic) -> Wire:
        """Make a proxy and open a connection through it."""
        return self.connected(self.proxy(*toxics))

    def close(self) -> None:
        """Close every socket and remove every proxy."""
        for end in self._opened:
            end.close()
        for name in self._proxies:
            request(self.client, "DELETE", f"/proxies/{quote(name)}")


@contextmanager
def bench_on(client: ToxiproxyClient) -> Iterator[Bench]:
    bench = Bench(client)
    try:
        yield bench
    finally:
        bench.close()
