"""Keeps on disk which incarnation opened a session last, so that a restarted trunk still knows."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from splitlearn.runtime import Disk
from splitlearn.runtime.durable import make_folder, write_atomically
from splitlearn.wire.errors import Reason, WireError

__all__ = ["Holder", "Holders"]


@dataclass(frozen=True)
class Holder:
    """Who opened a session last.

    Attributes:
        incarnation: its number.
        client: the random name of its process.
        left: whether it has closed the session for good or was silent for too long; otherwise it may reopen.
    """

    incarnation: int
    client: str
    left: bool = False


NOBODY = Holder(0, "", left=True)


class Holders:
    """The holder of each session, in `SAVE_DIR/SESSION/trunk-holder`.

    It stays the holder when its session is closed, given up, or lost with a trunk: a late request to open names an
    earlier holder, and is refused whether or not the session is open.
    """

    def __init__(self, save_dir: Path, disk: Disk) -> None:
        self._disk = disk
        self._save_dir = save_dir

    def check(self, session: str, replaces: int, silent: float | None) -> None:
        """Raise `WireError`, naming the last incarnation, for a request to take over from any other.

        Args:
            session: its name.
            replaces: the incarnation to take over from.
            silent: seconds for which a holder that has not left has been silent; None if it is not waited for.
        """
        holder = self._read(session)
        if holder.incarnation != replaces:
            details = {"incarnation": str(holder.incarnation), "client": holder.client}
            message = f"session {session!r} is held by client {holder.client}"
            if silent is not None and not holder.left:
                details |= {"silent": f"{silent:.0f}"}
                message += f", which has been silent for {silent:.0f} s"
            raise WireError(Reason.SESSION_HELD, message, details=details)

    def note(self, session: str, holder: Holder) -> None:
        """Record who holds a session from now on; raises `WireError` if that fails."""
        path = self._path(session)
        try:
            make_folder(self._disk, path.parent)
            write_atomically(self._disk, path, json.dumps(asdict(holder)).encode())
        except OSError as error:
            message = f"the trunk could not write down who holds {session!r}: {error}"
            raise WireError(Reason.SAVE_FAILED, message) from None

    def release(self, session: str) -> None:
        """Record that the holder will not come back; raises `WireError` if that fails."""
        self.note(session, replace(self._read(session), left=True))

    def _read(self, session: str) -> Holder:
        path = self._path(session)
        try:
            values = json.loads(self._disk.read(path))
            return Holder(int(values["incarnation"]), str(values["client"]), left=values.get("left") is True)
        except FileNotFoundError:
            return NOBODY
        except (OSError, ValueError, KeyError, TypeError) as error:
            advice = "end every client of that session, then delete the file"
            raise WireError(Reason.SAVE_FAILED, f"the trunk cannot read {path} ({error}); {advice}") from None

    def _path(self, session: str) -> Path:
        return self._save_dir / session / "trunk-holder"
