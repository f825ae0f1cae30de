"""Hears from every process which points it passes, and can hold it there."""

import itertools
import json
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from harness.errors import TimedOutError
from harness.listening import accepted
from harness.trace.event import Event
from harness.trace.place import At

__all__ = ["Observer"]


@dataclass
class Hold:
    """A process is to be held at a place when it is passed for the last of so many times."""

    at: At
    left: int


class Observer:
    """Listens on a Unix socket for the probes of one run.

    Args:
        holds: places at which a process is to be held, each once.
        on_event: called with every event, in order, by the thread that received it.
    """

    def __init__(self, holds: tuple[At, ...], on_event: Callable[[Event], None]) -> None:
        self.events: list[Event] = []
        self._holds = [Hold(at, at.occurrence) for at in holds]
        self._on_event = on_event
        self._started = time.monotonic_ns()
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        # Socket paths may have 107 bytes only, so this is not in the run's folder.
        self._folder = Path(tempfile.mkdtemp(prefix="splitlearn-"))
        self.path = self._folder / "probe"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen()
        self._listeners: list[tuple[socket.socket, threading.Thread]] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True, name="observer")
        self._acceptor.start()

    def __enter__(self) -> Self:
        """Return the observer, which listens already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; held processes are released."""
        # Closing alone would neither wake the threads that wait on the sockets nor reach the other side.
        self._server.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._server.close()
        for connection, listener in self._listeners:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            listener.join()
        shutil.rmtree(self._folder)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return (time.monotonic_ns() - self._started) / 1e9

    def note(self, source: str, point: str, **fields: object) -> Event:
        """Put an event of the harness or the proxy into the trace."""
        return self._add(time.monotonic_ns(), source, point, {"step": None, "microbatch": None, **fields}, None)

    def wait_for(
        self,
        at: At,
        timeout: float,
        after: int = -1,
        meanwhile: Callable[[], None] = lambda: None,
        fields: Mapping[str, object] = MappingProxyType({}),
    ) -> Event:
        """Wait for the first event at a place with a number above `after`.

        Args:
            at: the place.
            timeout: seconds.
            after: number of the last event that does not count.
            meanwhile: called now and then; may raise when there is no point in waiting on.
            fields: what the event must tell, by name.

        Raises:
            TimedOutError: it did not come.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for event in self.events:
                    if event.number > after and at.matches(event) and fields.items() <= event.fields.items():
                        return event
                meanwhile()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimedOutError(f"{at} did not come within {timeout:g} s")
                self._changed.wait(min(left, 0.2))

    def _accept(self) -> None:
        for connection in accepted(self._server):
            listener = threading.Thread(target=self._listen, args=(connection,), daemon=True, name="observed")
            self._listeners.append((connection, listener))
            listener.start()

    def _listen(self, connection: socket.socket) -> None:
        with connection:
            messages = _messages(connection)
            hello = next(messages, {"hello": ""})
            with suppress(OSError):  # the process is gone
                connection.sendall(json.dumps({"holds": self._holds_of(hello["hello"])}).encode() + b"\n")
            for values in messages:
                self._take(connection, values)

    def _holds_of(self, source: str) -> list[dict[str, object]]:
        with self._changed:
            return [
                {"point": hold.at.point, "step": hold.at.step, "microbatch": hold.at.microbatch}
                for hold in self._holds
                if hold.at.source == source
                for _ in range(hold.left)
            ]

    def _take(self, connection: socket.socket, values: dict[str, Any]) -> None:
        ns, source, point = values.pop("ns"), values.pop("source"), values.pop("point")
        held = values.pop("held", None)
        release: Callable[[], None] | None = None
        if held is not None:

            def release() -> None:
                with suppress(OSError):  # the process is gone
                    connection.sendall(json.dumps({"release": held}).encode() + b"\n")

            if not self._take_hold(At(point, values["step"], values["microbatch"])):
                release()
                release = None
        self._add(ns, source, point, values, release)

    def _take_hold(self, place: At) -> bool:
        """Use a hold up: a process that starts anew is not held where another was held before."""
        with self._changed:
            covering = [hold for hold in self._holds if hold.at.covers(place.point, place.step, place.microbatch)]
            for hold in covering:
                hold.left -= 1
            due = [hold for hold in covering if not hold.left]
            # Two that are due at once are one passing: the other waits for the next.
            for hold in due[1:]:
                hold.left = 1
            if due:
                self._holds.remove(due[0])
            return bool(due)

    def _add(
        self, ns: int, source: str, point: str, values: dict[str, Any], release: Callable[[], None] | None
    ) -> Event:
        step, microbatch = values.pop("step"), values.pop("microbatch")
        with self._changed:
            number = next(self._numbers)
            t = (ns - self._started) / 1e9
            event = Event(number, t, source, point, step, microbatch, values, release)
            self.events.append(event)
            self._changed.notify_all()
            self._on_event(event)  # under the lock, so that events are told in order
        return event


def _messages(connection: socket.socket) -> Iterator[dict[str, Any]]:
    """Return what a process says, until it or this observer ends, perhaps in the middle of a line."""
    with connection.makefile("r") as lines:
        while True:
            try:
                line = lines.readline()
                values = json.loads(line) if line else None
            except (OSError, json.JSONDecodeError):
                return
            if values is None:
                return
            yield values
