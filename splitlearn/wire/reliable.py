"""Calls that outlast broken connections: deadlines, backoff, and sending the same request again.

Every request is idempotent, so the answer to "was it applied?" is to ask again. Calls under way are retried by the
thread that waits for them: there is no hidden thread, and time comes from a clock that a simulation can replace.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.link import Pending
from splitlearn.wire.transport import Transport

__all__ = ["Clock", "ReliableCall", "ReliableCalls", "RetryPolicy", "SystemClock"]

M = TypeVar("M")
R = TypeVar("R")


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since some fixed moment."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


@dataclass(frozen=True)
class RetryPolicy:
    """How long to try.

    Attributes:
        timeout: seconds one attempt may take.
        patience: seconds from the first failure of a call after which it is given up.
        first_delay: seconds before the first repetition; doubled for each further one.
        max_delay: longest pause in seconds.
    """

    timeout: float
    patience: float
    first_delay: float = 0.05
    max_delay: float = 2.0


class ReliableCalls:
    """Sends requests over a transport until they are answered, refused, or the patience is used up."""

    def __init__(
        self,
        transport: Transport,
        policy: RetryPolicy,
        clock: Clock,
        on_failure: Callable[[str, WireError, int], None],
    ) -> None:
        self.transport = transport
        self.policy = policy
        self.clock = clock
        self.on_failure = on_failure

    def call(self, method: str, request: Message, read: Callable[[Message], R]) -> "ReliableCall[Message, R]":
        """Send a request now; its `result` repeats it as needed.

        Args:
            method: name of the RPC.
            request: idempotent.
            read: gives the answer that is in a reply; a reply that it finds damaged is asked for again.
        """
        return ReliableCall(self, method, lambda: self.transport.call(method, request, self.policy.timeout), read)

    def collect(
        self, method: str, request: Message, read: Callable[[list[Message]], R]
    ) -> "ReliableCall[list[Message], R]":
        """Send a request that has many replies; a stream that breaks off is asked for again from its beginning."""
        return ReliableCall(
            self, method, lambda: _WholeStream(self.transport, method, request, self.policy.timeout), read
        )


class _WholeStream:
    """All replies of a request, awaited together."""

    def __init__(self, transport: Transport, method: str, request: Message, timeout: float) -> None:
        self._replies = transport.stream(method, request, timeout)

    def result(self) -> list[Message]:
        return list(self._replies)


class ReliableCall(Generic[M, R]):
    """One request under way."""

    def __init__(
        self, calls: ReliableCalls, method: str, send: Callable[[], Pending[M]], read: Callable[[M], R]
    ) -> None:
        self._calls = calls
        self._method = method
        self._send = send
        self._read = read
        self._attempt = send()

    def result(self) -> R:
        """Wait for the answer, repeating the request after failures of the transport; raises `WireError`."""
        policy, clock = self._calls.policy, self._calls.clock
        delay, failures, give_up_at = policy.first_delay, 0, float("inf")
        while True:
            try:
                return self._read(self._attempt.result())
            except WireError as error:
                if not error.retryable:
                    raise
                failures += 1
                self._calls.on_failure(self._method, error, failures)
                give_up_at = min(give_up_at, clock.now() + policy.patience)
                if clock.now() + delay > give_up_at:
                    raise self._gave_up(error, failures) from error
            clock.sleep(delay)
            delay = min(2 * delay, policy.max_delay)
            self._attempt = self._send()

    def _gave_up(self, error: WireError, failures: int) -> WireError:
        patience = self._calls.policy.patience
        message = f"{self._method}: {failures} attempts failed within {patience:g} s; the last: {error.message}"
        return WireError(Reason.TRANSPORT, message, error.code)
