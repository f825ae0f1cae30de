"""Named points that a process passes, reported to an observer that can hold the process there.

Without an observer a point is one call of an empty method. The observer listens on a Unix socket; both sides speak
JSON, one object per line. The process first says `{"hello": role, "party": name}`; the observer answers
`{"holds": [{"point", "step", "microbatch"}, …]}`, where a missing or null field matches anything and every hold matches
once; a held process waits for `{"release": id}`.
"""

import itertools
import json
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from splitlearn.points import POINTS

__all__ = ["NullProbe", "Probe", "ProbeWith", "SocketProbe", "open_probe"]


class Probe(Protocol):
    """Receives points."""

    def point(self, name: str, step: int | None = None, microbatch: int | None = None, **fields: object) -> None:
        """Report that the process passes a point; return when it may go on."""


class NullProbe:
    """Reports to nobody."""

    def point(self, name: str, step: int | None = None, microbatch: int | None = None, **fields: object) -> None:
        """Do nothing."""


class ProbeWith:
    """Adds fields to every point, such as the session for which a trunk passes it."""

    def __init__(self, probe: Probe, **fields: object) -> None:
        self._probe = probe
        self._fields = fields

    def point(self, name: str, step: int | None = None, microbatch: int | None = None, **fields: object) -> None:
        """Report that the process passes a point; return when it may go on."""
        self._probe.point(name, step, microbatch, **self._fields, **fields)


class SocketProbe:
    """Reports to an observer; times are nanoseconds of the system-wide monotonic clock.

    Args:
        path: socket of the observer.
        source: role of this process: client or trunk.
        party: the name of this process, which is the role itself if no other process has that role.
    """

    def __init__(self, path: Path, source: str, party: str = "") -> None:
        self._source = source
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r")
        self._send({"hello": source, "party": party or source})
        self._holds: list[dict[str, object]] = json.loads(self._lines.readline())["holds"]
        self._released: dict[int, threading.Event] = {}
        self._ids = itertools.count()
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True, name="probe").start()

    def point(self, name: str, step: int | None = None, microbatch: int | None = None, **fields: object) -> None:
        """Report that the process passes a point; return when it may go on."""
        assert name in POINTS, f"{name} is not in POINTS"
        event = {"source": self._source, "point": name, "step": step, "microbatch": microbatch, **fields}
        released = threading.Event()
        with self._lock:
            hold = self._take_hold(event)
            if hold:
                event["held"] = number = next(self._ids)
                self._released[number] = released
            self._send({"ns": time.monotonic_ns(), **event})
        if hold:
            released.wait()

    def _take_hold(self, event: dict[str, object]) -> bool:
        for hold in self._holds:
            if all(value is None or event.get(key) == value for key, value in hold.items()):
                self._holds.remove(hold)
                return True
        return False

    def _send(self, event: dict[str, object]) -> None:
        with suppress(ConnectionError):  # the observer may be gone
            self._socket.sendall(json.dumps(event).encode() + b"\n")

    def _listen(self) -> None:
        """Release held points as instructed; all are released when the observer goes away."""
        with suppress(ConnectionError):
            for line in self._lines:
                self._released.pop(json.loads(line)["release"]).set()
        with self._lock:
            self._holds.clear()
            for released in self._released.values():
                released.set()


def open_probe(path: Path | None, source: str, party: str = "") -> Probe:
    """Connect to the observer at `path`, or to nobody."""
    return SocketProbe(path, source, party) if path else NullProbe()
