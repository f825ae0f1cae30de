"""Tells the user what a waiting client is waiting for."""

import logging

from splitlearn.client.refusals import tls_advice
from splitlearn.config import TrainingConfig
from splitlearn.runtime import Clock
from splitlearn.wire.errors import Code, Reason, WireError

__all__ = ["Waiting"]

log = logging.getLogger(__name__)

TELL_SECONDS = 5.0


class Waiting:
    """Reports failed calls from time to time: what the client waits for, and how much longer.

    Args:
        config: names the trunk and the retry timeout.
        clock: measures the retry timeout.
    """

    def __init__(self, config: TrainingConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._since = 0.0
        self._told = float("-inf")

    def note(self, error: WireError, attempt: int) -> None:
        """Note a failed call, with the number of failures in a row."""
        now = self._clock.now()
        if attempt == 1:
            self._since = now
        if now - self._told >= TELL_SECONDS:
            self._told = now
            left = max(0.0, self._config.retry_timeout - (now - self._since))
            what = f"{error.message}{tls_advice(self._config, error)}"
            trunk = f"trunk at {self._config.trunk_address}{_seen(error)}"
            log.warning("%s: %s; retry %d, giving up in %.0f s", trunk, what, attempt, left)


def _seen(error: WireError) -> str:
    """Return words for a trunk that was not heard; empty after a refusal or a broken connection, which say more."""
    if error.reason is Reason.TRANSPORT and "failed to connect" in error.message:
        return " cannot be reached"
    if error.reason is Reason.TRANSPORT and error.code is Code.DEADLINE_EXCEEDED:
        return " does not answer"
    return ""
