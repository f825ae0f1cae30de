"""Which incarnation opened a session last, on the disk, so that a trunk that starts again still knows."""

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
        incarnation: the number that it was given.
        client: the random name of its process.
        left: it has closed the session for good, or was silent for too long; else it may be about to open it again.
    """

    incarnation: int
    client: str
    left: bool = False


NOBODY = Holder(0, "", left=True)


class Holders:
    """The holder of each session, in `SAVE_DIR/SESSION/trunk-holder`.

    It stays the holder when its session is closed, given up, or lost with the trunk that kept it: a request to open
    that comes late names a holder before it, and is refused whether the session is open or not.
    """

    def __init__(self, save_dir: Path, disk: Disk) -> None:
        self._disk = disk
        self._save_dir = save_dir

    def check(self, session: str, replaces: int, silent: float | None) -> None:
        """Refuse to open in the place of another incarnation than the last; raises `WireError`, which names that.

        Args:
            session: its name.
            replaces: the incarnation that is to be taken over.
            silent: seconds for which a holder that has not left has been silent; None where it is not waited for.
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
        """Write down who holds a session from now on; raises `WireError` where that cannot be done."""
        path = self._path(session)
        try:
            make_folder(self._disk, path.parent)
            write_atomically(self._disk, path, json.dumps(asdict(holder)).encode())
        except OSError as error:
            message = f"the trunk could not write down who holds {session!r}: {error}"
            raise WireError(Reason.SAVE_FAILED, message) from None

    def release(self, session: str) -> None:
        """Write down that its holder does not come back; raises `WireError` where that cannot be done."""
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
