"""The trunk's checkpoints of one session: saving, resuming, setting aside and discarding them."""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch

from splitlearn.checkpoint import CheckpointStore, known_steps
from splitlearn.errors import CheckpointError
from splitlearn.probe import Probe
from splitlearn.runtime import Disk
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.errors import Reason, WireError

__all__ = ["TrunkCheckpoints"]

log = logging.getLogger(__name__)


class TrunkCheckpoints:
    """The trunk's halves of one session's checkpoints.

    Args:
        disk: holds the files.
        save_dir: folder of all sessions.
        name: of the session.
        settings: that a half must share.
        probe: receives a point for every file.
    """

    def __init__(self, disk: Disk, save_dir: Path, name: str, settings: Mapping[str, str], probe: Probe) -> None:
        self._disk = disk
        self._save_dir = save_dir
        self._name = name
        self._settings = settings
        self._probe = probe
        self._store = self._store_of(name)
        # Steps of which this run has a checkpoint: the one that is certainly complete, and the newest. If there are
        # none, those of another run of the same name are set aside before the first is written.
        self._own: tuple[int, ...] = ()
        # The last save and the digest of its weights: the answer to a repeated request.
        self._saved: tuple[int, str] | None = None

    def steps(self) -> list[int]:
        """List the steps that have a file, newest first."""
        return self._store.steps()

    def check_room(self) -> None:
        """Refuse a fresh run that could not set aside an earlier run's checkpoints, before it trains."""
        try:
            if self._store.steps():
                self._store.place_aside()
        except OSError as error:
            raise WireError(Reason.SAVE_FAILED, str(error)) from None

    def resume(self, session: TrunkSession, steps: Sequence[int], source: str = "") -> None:
        """Restore the newest step that both sides have and that can be read here.

        Args:
            session: takes the state of the checkpoint.
            steps: those of the client's halves.
            source: the session whose checkpoints to use; empty for this one.

        Raises:
            WireError: there is no such step; the message lists the steps of each side and the damaged files.
        """
        source = source or self._name
        store = self._store_of(source, session.weights())
        problems = []
        for step in sorted({*store.steps()} & {*steps}, reverse=True):
            try:
                half = store.load(step, self._settings)
            except CheckpointError as error:
                problems.append(str(error))
                log.warning("%s", error)
                continue
            session.restore(half)
            self._own = (step,) if source == self._name else ()
            return
        both = f"the trunk has steps {_listed(store.steps())}, the client has {_listed(steps)}"
        raise WireError(Reason.NO_CHECKPOINT, f"no checkpoint in common: {'; '.join([both, *problems])}")

    def save(self, session: TrunkSession) -> str:
        """Write a half with the session's state, once per step; return the digest of its weights.

        Raises:
            WireError: it cannot be written; the older ones remain.
        """
        step = session.applied_step
        if self._saved and self._saved[0] == step:
            return self._saved[1]
        try:
            if not self._own:
                self._store.set_aside()
            kept = known_steps(self._own, step)
            mark = self._store.save(
                step,
                self._settings,
                session.weights(),
                session.optimizer_state(),
                codec_states=session.codec_states.tensors(),
                keep=kept,
            )
        except OSError as error:
            raise WireError(Reason.SAVE_FAILED, f"the trunk could not write its checkpoint: {error}") from None
        self._own, self._saved = kept, (step, mark.weights)
        return mark.weights

    def discard(self) -> None:
        """Remove a run's checkpoints if its client has saved nothing; raises `WireError` if they cannot be removed."""
        try:
            self._store.discard(self._own)
        except OSError as error:
            raise WireError(
                Reason.SAVE_FAILED, f"the trunk could not remove its half of a checkpoint: {error}"
            ) from None
        log.warning("session %s: its client has saved nothing; what was saved of it here is removed", self._name)

    def _store_of(self, name: str, like: Mapping[str, torch.Tensor] | None = None) -> CheckpointStore:
        return CheckpointStore(self._disk, self._save_dir, name, "trunk", self._probe, like)


def _listed(steps: Collection[int]) -> str:
    return ", ".join(map(str, steps)) or "none"
