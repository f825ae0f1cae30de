"""The client's place at the trunk: opened and claimed, closed at the end, left after an error."""

import logging
from collections.abc import Callable, Mapping, Sequence

from splitlearn.client.checkpoints import ClientCheckpoints
from splitlearn.client.leaving import has_place
from splitlearn.probe import Probe
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.trunk_link import Hello, TrunkLink, Welcome

__all__ = ["ClientSession"]

log = logging.getLogger(__name__)

# How often other clients may come between an opening and its claim, or save while this one opens the session.
MAX_CLAIMS, MAX_OPENINGS = 5, 5


class ClientSession:
    """A run's session, as its client holds it.

    Args:
        name: of the session.
        agreement: settings that both sides must share.
        trunk: the other party.
        checkpoints: the client's; whoever has opened the session claims their folder.
        probe: receives a point for every change.
    """

    def __init__(
        self,
        name: str,
        agreement: Mapping[str, str],
        trunk: TrunkLink,
        checkpoints: ClientCheckpoints,
        probe: Probe,
    ) -> None:
        self._name = name
        self._agreement = agreement
        self._trunk = trunk
        self._checkpoints = checkpoints
        self._probe = probe
        self._is_open = False

    def open(self, offered: Callable[[], Sequence[int]], *, take_over: bool = False) -> Welcome:
        """Open the session at the newest common checkpoint, and claim its folder; raises `WireError`.

        A client that has the session may save until it has lost both. Then this one opens the session again, at a
        checkpoint that it did not know of.

        Args:
            offered: lists the steps to start from; may raise, also when the session is open.
            take_over: whether to take the session over from a client that has it.
        """
        for _ in range(MAX_OPENINGS):
            known, steps = self._checkpoints.steps(), offered()
            self._probe.point("client.session.opening", max(steps, default=0))
            former = self._checkpoints.claimed()
            try:
                welcome = self._trunk.open(Hello(self._name, self._agreement, steps, take_over=take_over))
            except WireError as error:
                if error.reason is not Reason.NO_CHECKPOINT or self._checkpoints.steps() == known:
                    raise
                continue
            self._is_open = True
            self._claim(former)
            if self._checkpoints.steps() == known:
                return welcome
        raise WireError(Reason.STALE_INCARNATION, "other clients of this session save again and again")

    def close(self, applied: int) -> None:
        """Close the session after `applied` steps; checkpoints are safe whether or not the call arrives."""
        self._probe.point("client.session.closing", applied)
        try:
            self._trunk.close()
            self._is_open = False
        except WireError as error:
            if error.reason is not Reason.TRANSPORT:
                raise
            log.warning("everything is saved; the trunk could not be told that the session ends: %s", error.message)

    def leave(self, applied: int, error: Exception) -> None:
        """Give the place back before a run ends with an error, unless the trunk is out of reach."""
        if self._is_open and has_place(error):
            self._probe.point("client.session.closing", applied)
            self._trunk.leave(saved=bool(self._checkpoints.steps()))

    def _claim(self, former: str) -> None:
        """Claim the folder of the open session.

        If another client has claimed it in between, the trunk knows which of the two opened last, and tells the other
        that it was superseded.
        """
        for _ in range(MAX_CLAIMS):
            if self._checkpoints.claim(former):
                return
            former = self._checkpoints.claimed()
            try:
                self._trunk.query()
            except WireError as error:
                if error.reason is not Reason.UNKNOWN_SESSION:
                    raise
                break  # the other client has closed it already
        raise WireError(Reason.STALE_INCARNATION, "another client has opened the session since")
