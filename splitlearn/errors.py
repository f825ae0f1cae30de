"""Errors, by whose fault they are.

A user's mistake is a `UserError`: its message says what to do. A peer's mistake is a `WireError` and
lives with the wire. A bug is an `AssertionError`.
"""

from typing import ClassVar

__all__ = [
    "SIGNALLED",
    "CheckpointError",
    "ConfigError",
    "DamagedCheckpointError",
    "DataError",
    "DivergedError",
    "ModelError",
    "TrunkUnavailableError",
    "UserError",
]

SIGNALLED = 128  # exit status of a program ended by a signal, less the signal's number, as in a shell


class UserError(Exception):
    """Something that the user can fix; the message says how.

    Attributes:
        exit_status: with which a command ends.
    """

    exit_status: ClassVar[int] = 2


class ConfigError(UserError):
    """A setting has a value that is not allowed; the message names field, value and what is allowed."""


class DataError(UserError):
    """The training text cannot be read or used."""


class ModelError(UserError):
    """The model cannot be loaded, cut or written."""


class CheckpointError(UserError):
    """A checkpoint is missing, torn or belongs to another run."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint file is torn, altered or misplaced."""


class TrunkUnavailableError(UserError):
    """The trunk did not answer within the client's retry timeout, or refused the session."""


class DivergedError(UserError):
    """Losses or gradients are no longer finite: continuing would train nothing."""

    exit_status: ClassVar[int] = 3
