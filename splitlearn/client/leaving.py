"""Decides whether a failing client still has a place at the trunk to give back."""

from splitlearn.wire.errors import Reason, WireError

__all__ = ["has_place"]

# The trunk does not answer, or the session is another client's or nobody's.
NOTHING_TO_LEAVE = (Reason.TRANSPORT, Reason.STALE_INCARNATION, Reason.UNKNOWN_SESSION)


def has_place(error: BaseException) -> bool:
    """Return whether, after this error, a client whose session was open should close it at the trunk."""
    return not (isinstance(error, WireError) and error.reason in NOTHING_TO_LEAVE)
