"""Errors of the harness itself."""

__all__ = ["HarnessError", "ScenarioError", "TimedOutError", "UnusableError"]


class HarnessError(Exception):
    """The harness could not do its work; the message says what to do."""


class UnusableError(HarnessError):
    """Wrong usage, or an environment in which nothing can be run."""


class ScenarioError(UnusableError):
    """An invalid scenario; the message says what to change."""


class TimedOutError(HarnessError):
    """Something did not happen in time."""
