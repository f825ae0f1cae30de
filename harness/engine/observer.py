"""Receives from every process the points that it passes, and can hold it there."""

import json
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from harness.engine.holds import Holds
from harness.errors import TimedOutError
from harness.listening import accepted
from harness.trace.event import Event
from harness.trace.place import At

__all__ = ["Observer"]

# Seconds for delivering what has been received, when the run has ended.
DELIVERY_TIMEOUT = 60.0
NOBODY: Mapping[str, tuple[At, ...]] = MappingProxyType({})


class Observer:
    """Listens on a Unix socket for the probes of one run.

    A separate thread delivers the events, so that a slow disk or terminal blocks no process. A held process stays held
    until its event has been delivered and released. If delivery fails, all are released, nothing more is received, and
    leaving the `with` block raises the failure.

    Args:
        holds: places at which client and trunk are to be held, each once.
        on_event: called with every event, in order, one at a time; all have been delivered when the block is left.
        delivery_timeout: seconds to wait for that when the block is left.
        others: places at which further parties are to be held, each once, by the party's name.
    """

    def __init__(
        self,
        holds: tuple[At, ...],
        on_event: Callable[[Event], None],
        delivery_timeout: float = DELIVERY_TIMEOUT,
        others: Mapping[str, tuple[At, ...]] = NOBODY,
    ) -> None:
        self.events: list[Event] = []
        self._holds = Holds(holds)
        self._others = {party: Holds(places) for party, places in others.items()}
        self._on_event = on_event
        self._delivery_timeout = delivery_timeout
        self._heard_all = False
        self._failure: Exception | None = None
        self._started = time.monotonic_ns()
        self._changed = threading.Condition()
        # Socket paths are limited to 107 bytes, so this is not in the run's folder.
        self._folder = Path(tempfile.mkdtemp(prefix="splitlearn-"))
        self.path = self._folder / "probe"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen()
        self._listeners: list[tuple[socket.socket, threading.Thread]] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True, name="observer")
        self._acceptor.start()
        self._deliverer = threading.Thread(target=self._deliver, daemon=True, name="delivery")
        self._deliverer.start()

    def __enter__(self) -> Self:
        """Return the observer, which is already listening."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening, release held processes, and deliver what was received.

        Raises:
            TimedOutError: delivery takes too long. Otherwise what `on_event` raised, unless the block itself failed.
        """
        self._hang_up()
        self._server.close()
        for _, listener in self._listeners:
            listener.join()
        shutil.rmtree(self._folder)
        with self._changed:
            self._heard_all = True
            self._changed.notify_all()
        self._deliverer.join(self._delivery_timeout)
        if error is not None:
            return
        if self._deliverer.is_alive():
            raise TimedOutError(
                f"the events of the run were not written within {self._delivery_timeout:g} s of its end"
            )
        if self._failure:
            raise self._failure

    def note(self, source: str, point: str, party: str = "", **fields: object) -> Event:
        """Add an event of the harness or the proxy to the trace; `party` is the party that it concerns, if any."""
        place = {"step": None, "microbatch": None, "party": party}
        return self._add(time.monotonic_ns(), source, point, {**place, **fields}, None)

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
            meanwhile: called from time to time; may raise to end a pointless wait.
            fields: fields that the event must have, by name.

        Raises:
            TimedOutError: it did not come.
        """
        deadline = time.monotonic() + timeout
        seen = 0
        while True:
            heard = self.events[seen:]
            for event in heard:
                if event.number > after and at.matches(event) and event.tells(fields):
                    return event
            seen += len(heard)
            meanwhile()
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOutError(f"{at} did not come within {timeout:g} s")
            self._wait_for_more(seen, min(left, 0.2))

    def _wait_for_more(self, seen: int, timeout: float | None = None) -> None:
        """Wait until there are more events than `seen`, or no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.events) > seen or self._heard_all, timeout)

    def _deliver(self) -> None:
        """Deliver one event after another; runs in a thread of its own, without holding the lock."""
        delivered = 0
        while True:
            self._wait_for_more(delivered)
            if delivered == len(self.events):
                return
            try:
                self._on_event(self.events[delivered])
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised when the `with` block is left
                self._failure = error
                self._hang_up()
                return
            delivered += 1

    def _hang_up(self) -> None:
        """Close every connection; a held process continues when it notices."""
        # Closing alone would neither wake the threads waiting on the sockets nor reach the other side.
        _shut_down(self._server)
        self._acceptor.join()
        for connection, _ in self._listeners:
            _shut_down(connection)

    def _accept(self) -> None:
        for connection in accepted(self._server):
            listener = threading.Thread(target=self._listen, args=(connection,), daemon=True, name="observed")
            self._listeners.append((connection, listener))
            listener.start()

    def _listen(self, connection: socket.socket) -> None:
        with connection:
            messages = _messages(connection)
            hello = next(messages, {"hello": ""})
            role = hello["hello"]
            party = hello.get("party", role)
            with suppress(OSError):  # the process is gone
                holds = self._others[party].of(role) if party in self._others else self._holds.of(party)
                connection.sendall(json.dumps({"holds": holds}).encode() + b"\n")
            for values in messages:
                self._take(connection, {**values, "party": party})

    def _take(self, connection: socket.socket, values: dict[str, Any]) -> None:
        ns, source, point = values.pop("ns"), values.pop("source"), values.pop("point")
        held = values.pop("held", None)
        release: Callable[[], None] | None = None
        if held is not None:

            def release() -> None:
                with suppress(OSError):  # the process is gone
                    connection.sendall(json.dumps({"release": held}).encode() + b"\n")

            holds = self._others.get(values["party"], self._holds)
            if not holds.take(At(point, values["step"], values["microbatch"])):
                release()
                release = None
        self._add(ns, source, point, values, release)

    def _add(
        self, ns: int, source: str, point: str, values: dict[str, Any], release: Callable[[], None] | None
    ) -> Event:
        step, microbatch, party = values.pop("step"), values.pop("microbatch"), values.pop("party")
        with self._changed:
            t = (ns - self._started) / 1e9
            event = Event(len(self.events), t, source, party, point, step, microbatch, values, release)
            self.events.append(event)
            self._changed.notify_all()
        return event


def _shut_down(open_socket: socket.socket) -> None:
    with suppress(OSError):  # already shut down, or the other side is gone
        open_socket.shutdown(socket.SHUT_RDWR)


def _messages(connection: socket.socket) -> Iterator[dict[str, Any]]:
    """Yield a process's messages, until it or this observer ends, perhaps in the middle of a line."""
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
