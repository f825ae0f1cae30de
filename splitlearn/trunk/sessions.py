"""The sessions that a trunk keeps: who may speak for them, and how many there may be."""

import re
from dataclasses import dataclass

from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.errors import Reason, WireError

__all__ = ["Sessions", "checked_name"]

MAX_READERS = 4
# Names become folders.
SESSION_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}")
ADVICE = "let that run end or take it over by its --session, raise --max-sessions, or start the trunk again"


@dataclass(frozen=True)
class OpenSession:
    """A session and the incarnation that may speak for it; a reader only infers."""

    session: TrunkSession
    incarnation: int
    reader: bool


class Sessions:
    """Sessions by name, the one opened last at the end.

    Args:
        max_runs: sessions that train, at a time; of readers there may be a few beside.
    """

    def __init__(self, max_runs: int) -> None:
        self._max_runs = max_runs
        self._open: dict[str, OpenSession] = {}
        self._incarnations = 0

    def __contains__(self, name: str) -> bool:
        """Whether a session of that name is open."""
        return name in self._open

    def make_room(self, name: str, *, reader: bool) -> None:
        """Refuse one run too many; of readers, which can open again at any time, end the oldest."""
        if name in self._open and self._open[name].reader != reader:
            raise WireError(Reason.BAD_REQUEST, f"session {name!r} is open for another purpose; use another name")
        others = [other for other, entry in self._open.items() if entry.reader == reader and other != name]
        if reader and len(others) >= MAX_READERS:
            del self._open[others[0]]
        elif not reader and len(others) >= self._max_runs:
            message = f"the trunk keeps {self._max_runs} sessions: {', '.join(sorted(others))}; {ADVICE}"
            raise WireError(Reason.TOO_MANY_SESSIONS, message)

    def add(self, name: str, session: TrunkSession, *, reader: bool) -> int:
        """Keep a session in the place of an older one of its name; returns the incarnation that may speak for it."""
        self._incarnations += 1
        self._open.pop(name, None)
        self._open[name] = OpenSession(session, self._incarnations, reader)
        return self._incarnations

    def get(self, name: str, incarnation: int) -> TrunkSession:
        """Give an open session to its newest incarnation; raises `WireError` for any other."""
        entry = self._open.get(name)
        if entry is None:
            raise WireError(Reason.UNKNOWN_SESSION, f"session {name!r} is not open here; open it again")
        if incarnation != entry.incarnation:
            message = f"incarnation {incarnation} of {name!r} was taken over by {entry.incarnation}"
            raise WireError(Reason.STALE_INCARNATION, message)
        return entry.session

    def get_run(self, name: str, incarnation: int) -> TrunkSession:
        """Give a session that trains; raises `WireError` for a reader too."""
        session = self.get(name, incarnation)
        if self._open[name].reader:
            raise WireError(Reason.WRONG_MODE, f"session {name!r} was opened for reading only")
        return session

    def close(self, name: str) -> None:
        """Forget a session."""
        del self._open[name]


def checked_name(name: str) -> str:
    """Give back a session's name; raises `WireError` when it is not fit to be a folder of its own."""
    if not SESSION_NAME.fullmatch(name):
        allowed = "letters, digits, '.', '_' and '-', no '.' first, at most 80"
        raise WireError(Reason.BAD_REQUEST, f"session {name!r}: allowed are {allowed}")
    return name
