"""Calls that outlast broken connections: deadlines, backoff and retries.

Every request is idempotent, so the answer to "was it applied?" is to ask again. Calls in flight are retried by the
thread that waits for them: there is no hidden thread, and time comes from a clock that a simulation can replace.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from splitlearn.runtime import Clock
from splitlearn.stopwatch import UNWATCHED, Watch
from splitlearn.wire.attempt import Attempt, StreamAttempt
from splitlearn.wire.deadlines import Deadlines, Transfer
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.methods import METHODS
from splitlearn.wire.transport import Transport
from splitlearn.wire.trunk_link import Pending

__all__ = ["RENEW_AFTER", "ReliableCall", "ReliableCalls", "RetryPolicy"]

# Failures in a row after which a connection is no longer trusted, though it looks sound.
RENEW_AFTER = 3

M = TypeVar("M")
R = TypeVar("R")


@dataclass(frozen=True)
class RetryPolicy:
    """How long, and with which pauses, to retry.

    Attributes:
        timeout: seconds that one attempt may take, or longer if the bytes in flight need longer.
        retry_timeout: seconds after a call's first failure at which it is given up.
        first_delay: seconds before the first retry; doubled for each further one.
        max_delay: longest pause in seconds.
    """

    timeout: float
    retry_timeout: float
    first_delay: float = 0.05
    max_delay: float = 2.0


class ReliableCalls:
    """Sends requests over a transport until they are answered, refused, or the retry timeout has passed.

    Attributes:
        watch: told when an answer that was waited for is decoded.
    """

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
        self.deadlines = Deadlines(policy.timeout, clock)
        self.watch: Watch = UNWATCHED
        self._failed_in_a_row = 0

    def call(
        self, method: str, request: Message, read: Callable[[Message], R], reply_nbytes: int = 0
    ) -> "ReliableCall[Message, R]":
        """Send a request now; `result` of the returned call retries it as needed.

        Args:
            method: name of the RPC.
            request: idempotent.
            read: extracts the answer from a reply; a reply that it finds damaged is requested again.
            reply_nbytes: expected size of a reply that is not small; the deadline allows for it.
        """
        of = METHODS[method]
        data = of.write_request(request)
        nbytes = len(data) + reply_nbytes

        def send(timeout: float) -> Attempt:
            return Attempt(self.transport, of, data, timeout, self.watch)

        return ReliableCall(self, method, nbytes, send, read)

    def collect(
        self, method: str, request: Message, read: Callable[[list[Message]], R]
    ) -> "ReliableCall[list[Message], R]":
        """Send a request with many replies; a broken stream is requested again from its beginning."""
        of = METHODS[method]
        data = of.write_request(request)

        def send(timeout: float) -> StreamAttempt:
            return StreamAttempt(self.transport, of, data, timeout)

        return ReliableCall(self, method, len(data), send, read)

    def attempt(self, method: str, request: Message, timeout: float) -> Pending[Message]:
        """Send a request once, without retries; the reply is due within `timeout` seconds."""
        of = METHODS[method]
        return Attempt(self.transport, of, of.write_request(request), timeout)

    def answered(self) -> None:
        """Note that the trunk has answered, if only with a refusal."""
        self._failed_in_a_row = 0

    def failed(self, method: str, error: WireError, count: int) -> None:
        """Note that an attempt of a call has failed."""
        self.on_failure(method, error, count)
        self.doubt_connection(error)

    def doubt_connection(self, error: WireError) -> None:
        """Note a failure that the connection may have caused; after a few in a row it is replaced."""
        self._failed_in_a_row += error.blames_connection
        if self._failed_in_a_row >= RENEW_AFTER or error.reason is Reason.UNAUTHENTICATED:
            self._failed_in_a_row = 0
            self.transport.renew()


class ReliableCall(Generic[M, R]):
    """One request in flight."""

    def __init__(
        self,
        calls: ReliableCalls,
        method: str,
        nbytes: int,
        send: Callable[[float], Pending[M]],
        read: Callable[[M], R],
    ) -> None:
        self._calls = calls
        self._method = method
        self._nbytes = nbytes
        self._send = send
        self._read = read
        self._transfer, self._attempt = self._begin(calls.policy.retry_timeout)

    def result(self) -> R:
        """Wait for the answer, retrying after transport failures; raises `WireError`."""
        policy, clock = self._calls.policy, self._calls.clock
        delay, failures, give_up_at, doubted = policy.first_delay, 0, float("inf"), False
        while True:
            since = clock.now()
            try:
                answer = self._answer()
            except WireError as error:
                # A client that waits, or sleeps, for longer than it meant to was stopped meanwhile, which is not held
                # against the trunk.
                give_up_at += max(0.0, clock.now() - since - self._transfer.timeout)
                # The header with the token can be altered too: a new connection must get the same refusal.
                doubtful = error.reason is Reason.UNAUTHENTICATED and not doubted
                if not (error.retryable or doubtful):
                    self._calls.answered()
                    raise
                failures, doubted = failures + 1, doubted or doubtful
                self._calls.failed(self._method, error, failures)
                give_up_at = min(give_up_at, clock.now() + policy.retry_timeout)
                if clock.now() + delay > give_up_at:
                    raise self._gave_up(error, failures) from error
            else:
                self._calls.answered()
                return answer
            since = clock.now()
            clock.sleep(delay)
            give_up_at += max(0.0, clock.now() - since - delay)
            delay = min(2 * delay, policy.max_delay)
            self._transfer, self._attempt = self._begin(give_up_at - clock.now())

    def _begin(self, most: float) -> tuple[Transfer, Pending[M]]:
        transfer = self._calls.deadlines.begin(self._nbytes, most)
        return transfer, self._send(transfer.timeout)

    def _answer(self) -> R:
        """Wait for this attempt's answer; a reply that no trunk gives is a transport failure."""
        try:
            reply = self._attempt.result()
        except WireError as error:
            self._calls.deadlines.failed(self._transfer, late=error.code is Code.DEADLINE_EXCEEDED)
            raise
        self._calls.deadlines.answered(self._transfer)
        try:
            with self._calls.watch.part("decode"):
                return self._read(reply)
        except WireError as error:
            if error.reason in (Reason.TRANSPORT, Reason.CORRUPT, Reason.NON_FINITE):
                raise
            message = f"the reply cannot be used: {error.message}"
            raise WireError(Reason.TRANSPORT, message, Code.DATA_LOSS) from None

    def _gave_up(self, error: WireError, failures: int) -> WireError:
        retry_timeout = self._calls.policy.retry_timeout
        message = f"{self._method}: {failures} attempts failed within {retry_timeout:g} s; the last: {error.message}"
        return WireError(Reason.TRANSPORT, message, error.code)
