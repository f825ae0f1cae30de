"""The limit on how long the clients of a simulated run may take once no fault is at work."""

__all__ = ["LIVENESS_SECONDS", "Liveness"]

# Virtual seconds, if the scenario's timeout does not allow more.
LIVENESS_SECONDS = 300.0


class Liveness:
    """Counts the fault scripts at work, and the time since the last one ended.

    Args:
        timeout: the scenario's, in seconds.
    """

    def __init__(self, timeout: float) -> None:
        self._limit = max(LIVENESS_SECONDS, timeout)
        self._scripts = 0
        self._undisturbed_since = 0.0

    @property
    def undisturbed(self) -> bool:
        """Whether no fault's script is at work."""
        return not self._scripts

    def begin_script(self) -> None:
        """Note that a fault's script begins: while it is at work, no time counts."""
        self._scripts += 1

    def end_script(self, now: float) -> None:
        """Note that a script has ended, at a virtual time in seconds."""
        self._scripts -= 1
        if not self._scripts:
            self._undisturbed_since = now

    def overrun(self, now: float) -> str:
        """Return in words that the clients have taken too long; empty if they have not."""
        taken = now - self._undisturbed_since
        if self._scripts or taken <= self._limit:
            return ""
        return f"the clients are not done after {taken:.0f} s without a fault"
