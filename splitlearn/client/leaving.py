"""Whether a client that fails still has a place at the trunk to give back."""

from splitlearn.wire.errors import Reason, WireError

__all__ = ["has_place"]

# The trunk does not answer, or the session is another's or nobody's.
NOTHING_TO_LEAVE = (Reason.TRANSPORT, Reason.STALE_INCARNATION, Reason.UNKNOWN_SESSION)


def has_place(error: BaseException) -> bool:
    """Return whether there is somebody to give it to after an error of a client whose session was open."""
    return not (isinstance(error, WireError) and error.reason in NOTHING_TO_LEAVE)
