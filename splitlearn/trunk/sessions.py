"""The sessions that a trunk keeps: who may speak for them, and how many there may be."""

import re
from dataclasses import dataclass

from splitlearn.probe import Probe
from splitlearn.runtime import Clock, Entropy
from splitlearn.trunk.checkpoints import TrunkCheckpoints
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import Opening, Welcome

__all__ = ["IDLE_TIMEOUT", "OpenSession", "Sessions", "checked_name"]

# Readers of the same weights share them, so one more costs next to nothing.
MAX_READERS = 16
# Seconds for which a reader may be silent before it makes room for another.
READER_REST = 30.0
# Most seconds that count between two readings of the clock: a trunk that computed or was paused heard nobody.
LONGEST_LOOK = 5.0
# Seconds for which a client may be silent; one that computes for longer sends heartbeats.
IDLE_TIMEOUT = 120.0
# Names become folders.
SESSION_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}")
ADVICE = "let that run end or take it over by its --session, raise --max-sessions, or start the trunk again"
# An incarnation consists of the trunk's boot count, so that later ones are higher; random bits, so that those of a
# trunk with another folder do not collide; and a counter.
RANDOM_BITS, COUNT_BITS = 24, 20


@dataclass
class OpenSession:
    """A session and its current client; a reader only infers.

    Attributes:
        name: under which it is open.
        session: its state.
        checkpoints: its checkpoints on the trunk's disk.
        probe: receives its points, each with its name.
        opening: the request that opened it.
        welcome: the answer to that request.
        reader: whether it only infers and takes no training place.
        silent: seconds for which the trunk was listening and did not hear its client.
    """

    name: str
    session: TrunkSession
    checkpoints: TrunkCheckpoints
    probe: Probe
    opening: Opening
    welcome: Welcome
    reader: bool
    silent: float = 0.0


class Sessions:
    """Sessions by name, the last opened at the end.

    Args:
        max_sessions: training sessions at a time; a few readers are allowed besides.
        clock: measures the clients' silence.
        entropy: makes incarnations unique among trunks with other folders.
        boot: this trunk's boot count; incarnations of later boots are higher.
        idle_timeout: seconds of silence after which a session is given up.
    """

    def __init__(
        self,
        max_sessions: int,
        clock: Clock,
        entropy: Entropy,
        boot: int = 1,
        idle_timeout: float = IDLE_TIMEOUT,
    ) -> None:
        self._max_sessions = max_sessions
        self._idle_timeout = idle_timeout
        self._clock = clock
        self._looked = clock.now()
        # Seconds for which this trunk was listening.
        self._heard = 0.0
        self._open: dict[str, OpenSession] = {}
        self._incarnations = (boot << RANDOM_BITS | entropy.bits(RANDOM_BITS)) << COUNT_BITS

    def __contains__(self, name: str) -> bool:
        """Return whether a session of that name is open."""
        return name in self._open

    @property
    def training_sessions(self) -> list[str]:
        """Names of the training sessions; may be read by another thread."""
        return [name for name, held in list(self._open.items()) if not held.reader]

    @property
    def pending_nbytes(self) -> int:
        """Bytes kept for the steps in progress; may be read by another thread."""
        return sum(held.session.pending_nbytes for held in list(self._open.values()))

    def silence(self, name: str) -> float | None:
        """Return the seconds for which a session's client has been silent, counted from this trunk's start at most.

        None if it is not open and a client that had it open at the previous trunk would have come back by now.
        """
        if name in self._open:
            return self._open[name].silent
        return self._heard if self._heard <= self._idle_timeout else None

    def answered(self, name: str, opening: Opening) -> Welcome | None:
        """Return the earlier answer to a repeated request to open."""
        entry = self._open.get(name)
        return entry.welcome if entry and entry.opening == opening else None

    def make_room(self, name: str, *, replaces: int, reader: bool) -> None:
        """Refuse a different purpose, one session too many, and taking over a reader from any but its own incarnation.

        The holder of a training session is decided by `Holders`.
        """
        entry = self._open.get(name)
        if entry and entry.reader != reader:
            raise WireError(Reason.BAD_REQUEST, f"session {name!r} is open for another purpose; use another name")
        if entry and reader and entry.welcome.incarnation != replaces:
            current = entry.welcome.incarnation
            details = {"incarnation": str(current), "client": entry.opening.client}
            raise WireError(Reason.SESSION_HELD, f"session {name!r} is held by incarnation {current}", details=details)
        resting = [other for other in self._readers(name) if self._open[other].silent > READER_REST]
        if reader and not resting and len(self._readers(name)) >= MAX_READERS:
            raise WireError(
                Reason.TOO_MANY_SESSIONS, f"the trunk has {MAX_READERS} readers, and all are busy; try later"
            )
        others = [other for other, held in self._open.items() if not held.reader and other != name]
        if not reader and len(others) >= self._max_sessions:
            message = f"the trunk keeps {self._max_sessions} sessions: {', '.join(sorted(others))}; {ADVICE}"
            raise WireError(Reason.TOO_MANY_SESSIONS, message)

    def surplus_readers(self, name: str) -> list[str]:
        """Return the readers that must make room for one more: those silent for longest."""
        readers = sorted(self._readers(name), key=lambda other: -self._open[other].silent)
        return readers[: max(0, len(readers) - MAX_READERS + 1)]

    def sharing(self, session: TrunkSession) -> TrunkSession:
        """Return an open reader's session with the same weights, or else the given one: readers change nothing."""
        weights = session.fingerprint()
        alike = (held.session for held in self._open.values() if held.reader and held.welcome.fingerprint == weights)
        return next((held for held in alike if held.applied_step == session.applied_step), session)

    def new_incarnation(self) -> int:
        """Return an incarnation that was never used before and is higher than all of this trunk's."""
        self._incarnations += 1
        return self._incarnations

    def add(self, opened: OpenSession) -> None:
        """Keep a session in place of an older one of its name."""
        self._open.pop(opened.name, None)
        self._open[opened.name] = opened

    def get(self, name: str, incarnation: int) -> OpenSession:
        """Return an open session for its newest incarnation; raises `WireError` for any other."""
        entry = self._open.get(name)
        if entry is None:
            raise WireError(Reason.UNKNOWN_SESSION, f"session {name!r} is not open here; open it again")
        if incarnation != entry.welcome.incarnation:
            message = f"incarnation {incarnation} of {name!r} was taken over by {entry.welcome.incarnation}"
            raise WireError(Reason.STALE_INCARNATION, message)
        entry.silent = 0.0
        return entry

    def close(self, name: str) -> None:
        """Drop a session."""
        del self._open[name]

    def idle(self) -> list[OpenSession]:
        """Return the sessions whose clients have been silent for too long; call this about every second."""
        now = self._clock.now()
        passed, self._looked = min(now - self._looked, LONGEST_LOOK), now
        self._heard += passed
        for entry in self._open.values():
            entry.silent += passed
        return [entry for entry in self._open.values() if entry.silent > self._idle_timeout]

    def _readers(self, name: str) -> list[str]:
        """Return the readers other than the one of that name."""
        return [other for other, held in self._open.items() if held.reader and other != name]


def checked_name(name: str) -> str:
    """Return a session's name; raises `WireError` if it cannot be a folder name."""
    if not SESSION_NAME.fullmatch(name):
        allowed = "letters, digits, '.', '_' and '-', no '.' first, at most 80"
        raise WireError(Reason.BAD_REQUEST, f"session {name!r}: allowed are {allowed}")
    return name
