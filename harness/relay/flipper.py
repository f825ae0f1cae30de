"""A byte-level hop between the proxy and the trunk that alters single bits on request."""

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType

from harness.listening import accepted
from harness.plan.faults.flip import FARTHEST, Flip
from harness.plan.faults.toxic import Stream
from harness.relay.frames import Fragment, Frames

__all__ = ["Flipper"]

CHUNK = 1 << 16
CONNECT_SECONDS = 5.0


@dataclass
class _Aim:
    """A flip that is waiting for its byte.

    Attributes:
        flip: the request.
        left: bytes of the current part before the one to be altered; None while no part matches.
        bit: which one of that byte.
        pump: the pump whose part is current.
    """

    flip: Flip
    left: int | None = None
    bit: int = 0
    pump: "_Pump | None" = field(default=None, repr=False)


class Flipper(AbstractContextManager["Flipper"]):
    """Listens as soon as it is constructed; every connection and thread ends with the `with` block.

    Args:
        upstream: HOST:PORT of the trunk, which may be killed and restarted.
        note: takes (source, point, **fields) into the trace.

    Attributes:
        address: HOST:PORT for the proxy.
    """

    def __init__(self, upstream: str, note: Callable[..., object]) -> None:
        host, _, port = upstream.rpartition(":")
        self._upstream = host.strip("[]"), int(port)
        self._note = note
        self._aims: list[_Aim] = []
        self._changing = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._numbers = count(1)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._server.getsockname())
        self._over = False
        self._start(self._accept)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        with self._changing:
            self._over = True
            ended = [self._server, *self._sockets]
        for one in ended:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join()

    def arm(self, flip: Flip) -> None:
        """Apply a flip once, to the next bytes that match."""
        with self._changing:
            self._aims.append(_Aim(flip))

    def altered(self, pump: "_Pump", chunk: bytes, fragments: list[Fragment]) -> tuple[bytes, list[tuple[Flip, int]]]:
        """Return a chunk with the due bits altered, and the flips applied, with their offsets."""
        data, done = bytearray(chunk), []
        with self._changing:
            for aim in [aim for aim in self._aims if aim.flip.stream == pump.stream]:
                offset = _due(aim, pump, fragments)
                if offset is not None:
                    data[offset] ^= 1 << aim.bit
                    done.append((aim.flip, offset))
                    self._aims.remove(aim)
        return bytes(data), done

    def tell(self, pump: "_Pump", flip: Flip, offset: int, fragment: Fragment) -> None:
        """Report that an altered byte has been passed on."""
        self._note(
            "relay",
            "relay.bit.flipped",
            fault=flip.name,
            stream=pump.stream,
            connection=pump.number,
            offset=offset,
            part=fragment.part,
            part_size=fragment.size,
        )

    def forget(self, pump: "_Pump") -> None:
        """Aim again if a connection ended in the middle of the current part."""
        with self._changing:
            for aim in self._aims:
                if aim.pump is pump:
                    aim.left = aim.pump = None

    def _accept(self) -> None:
        for client in accepted(self._server):
            try:
                trunk = socket.create_connection(self._upstream, CONNECT_SECONDS)
            except OSError:
                client.close()
                continue
            trunk.settimeout(None)
            for end in (client, trunk):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changing:
                self._sockets |= {client, trunk}
                over = self._over
            if over:
                client.close()
                trunk.close()
                return
            number = next(self._numbers)
            ends: tuple[tuple[Stream, socket.socket, socket.socket], ...] = (
                ("upstream", client, trunk), ("downstream", trunk, client),
            )  # fmt: skip
            for stream, source, sink in ends:
                self._start(_Pump(self, stream, number, source, sink).run)

    def _start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True, name="flipper")
        self._threads.append(thread)
        thread.start()

    def done_with(self, *ended: socket.socket) -> None:
        """Close a connection's sockets as soon as either direction has ended."""
        with self._changing:
            self._sockets.difference_update(ended)
        for one in ended:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class _Pump:
    """Carries the bytes of one direction of a connection."""

    def __init__(
        self, flipper: Flipper, stream: Stream, number: int, source: socket.socket, sink: socket.socket
    ) -> None:
        self.stream = stream
        self.number = number
        self._flipper = flipper
        self._source = source
        self._sink = sink
        self._frames = Frames(from_client=stream == "upstream")

    def run(self) -> None:
        """Carry until either side has ended."""
        passed = 0
        with suppress(OSError):  # either side is gone
            while chunk := self._source.recv(CHUNK):
                fragments = list(self._frames.fragments(chunk))
                data, done = self._flipper.altered(self, chunk, fragments)
                try:
                    self._sink.sendall(data)
                except OSError:
                    for flip, _ in done:
                        self._flipper.arm(flip)  # the altered byte reached nobody
                    raise
                for flip, offset in done:
                    fragment = next(fragment for fragment in fragments if fragment.start <= offset < fragment.stop)
                    self._flipper.tell(self, flip, passed + offset, fragment)
                passed += len(chunk)
        self._flipper.forget(self)
        self._flipper.done_with(self._source, self._sink)


def _due(aim: _Aim, pump: _Pump, fragments: list[Fragment]) -> int | None:
    """Return where in the chunk the byte is that an aim waits for; None if it is yet to come."""
    if aim.flip.part == "anywhere":
        fragments = [Fragment("anywhere", FARTHEST, 0, 0, fragments[-1].stop)]
    for fragment in fragments:
        if aim.flip.part not in (fragment.part, "anywhere"):
            continue
        if aim.left is None and fragment.at == 0:
            aim.left, aim.bit = aim.flip.place(fragment.size)
            aim.pump = pump
        if aim.left is None or (aim.flip.part != "anywhere" and aim.pump is not pump):
            continue
        if aim.left < fragment.stop - fragment.start:
            return fragment.start + aim.left
        aim.left -= fragment.stop - fragment.start
    return None
