"""What can go wrong in the harness itself."""

__all__ = ["HarnessError", "ScenarioError", "TimedOutError", "UnusableError"]


class HarnessError(Exception):
    """The harness could not do its work; the message says what to do."""


class UnusableError(HarnessError):
    """Wrong usage, or an environment in which nothing can be run."""


class ScenarioError(UnusableError):
    """A scenario that makes no sense; the message says what to change of it."""


class TimedOutError(HarnessError):
    """Something that was waited for did not come in time."""
