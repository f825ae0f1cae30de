"""Which client opened a session last, on the disk, so that a trunk that starts again still knows."""

from pathlib import Path

from splitlearn.files import write_atomically
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.link import Opening

__all__ = ["Holders"]


class Holders:
    """The holder of each session, in `SAVE_DIR/SESSION/trunk-holder`.

    A client that opens again, because the trunk has lost its session, must still be the holder: between its two
    openings another may have come, and even gone.
    """

    def __init__(self, save_dir: Path) -> None:
        self._save_dir = save_dir

    def check(self, session: str, opening: Opening) -> None:
        """Refuse a client that opens again after another has taken over; raises `WireError`."""
        path = self._path(session)
        if opening.number > 1 and path.exists() and path.read_text(errors="replace") != opening.client:
            raise WireError(Reason.STALE_INCARNATION, f"session {session!r} was taken over by another client")

    def note(self, session: str, opening: Opening) -> None:
        """Write down who holds a session from now on; raises `WireError` where that cannot be done."""
        path = self._path(session)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, opening.client.encode())
        except OSError as error:
            message = f"the trunk could not write down who holds {session!r}: {error}"
            raise WireError(Reason.SAVE_FAILED, message) from None

    def _path(self, session: str) -> Path:
        return self._save_dir / session / "trunk-holder"
