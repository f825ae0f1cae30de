"""What can go wrong in the harness itself."""

__all__ = ["HarnessError", "TimedOutError", "UnusableError"]


class HarnessError(Exception):
    """The harness could not do its work; the message says what to do."""


class UnusableError(HarnessError):
    """Wrong usage, or an environment in which nothing can be run."""


class TimedOutError(HarnessError):
    """Something that was waited for did not come in time."""
