"""The folder of one party's halves: one safetensors file per step, written atomically, two of them kept."""

import json
import logging
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

import torch

from splitlearn.checkpoint.encoding import encode_half, read_half
from splitlearn.checkpoint.half import CheckpointHalf, CheckpointMark, Role, digest_of_states
from splitlearn.checkpoint.matching import check_settings, check_tensors
from splitlearn.errors import DamagedCheckpointError
from splitlearn.models.family import fingerprint
from splitlearn.probe import NullProbe, Probe
from splitlearn.runtime import Disk
from splitlearn.runtime.durable import PARTIAL, make_folder, write_atomically

__all__ = ["CheckpointStore", "known_steps"]

log = logging.getLogger(__name__)

MOST_SET_ASIDE = 8


class CheckpointStore:
    """The halves that one party keeps of one session, in `SAVE_DIR/SESSION/ROLE/`.

    Args:
        disk: holds the files.
        save_dir: folder of all sessions.
        session: name of the run.
        role: whose halves.
        probe: receives a point for every file.
        like: the party's parameters by name; a file must match their names and shapes.
    """

    def __init__(
        self,
        disk: Disk,
        save_dir: Path,
        session: str,
        role: Role,
        probe: Probe | None = None,
        like: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self.folder = save_dir / session / role
        self._disk = disk
        self._session = session
        self._role = role
        self._probe = probe or NullProbe()
        self._like = like

    def steps(self) -> list[int]:
        """List the steps that have a file, sound or not, newest first."""
        names = (re.fullmatch(r"step-(\d{8,})\.safetensors", name) for name in self._disk.names(self.folder))
        return sorted((int(match[1]) for match in names if match), reverse=True)

    def sound_steps(self, agreement: Mapping[str, str]) -> list[int]:
        """List the steps whose files can be read, newest first; damaged ones are named in the log.

        Raises:
            CheckpointError: a file has other settings, or all files are damaged.
        """
        steps = self.steps()
        problems = []
        sound = []
        for step in steps:
            try:
                self._read(step, agreement)
                sound.append(step)
            except DamagedCheckpointError as error:
                problems.append(str(error))
                log.warning("%s", error)
        if steps and not sound:
            raise DamagedCheckpointError("\n".join(problems))
        return sound

    def save(
        self,
        step: int,
        agreement: Mapping[str, str],
        weights: Mapping[str, torch.Tensor],
        optimizer_state: Mapping[str, torch.Tensor],
        trunk_weights: str = "",
        codec_states: Mapping[str, torch.Tensor] = MappingProxyType({}),
        keep: Collection[int] = (),
    ) -> CheckpointMark:
        """Write a half; raises `OSError`, after which the older ones remain.

        Args:
            step: number of optimizer steps applied.
            agreement: settings that the run must share.
            weights: by name.
            optimizer_state: of the optimizer, as `NAME/KEY`.
            trunk_weights: digest of the trunk's weights, in the client's half.
            codec_states: of this side's codecs, as `CodecStates.tensors` names them.
            keep: steps to keep besides this one. All others are removed, including those of an abandoned run.
        """
        own, shared = fingerprint(weights), json.dumps(dict(agreement))
        mark = CheckpointMark(
            self._role,
            self._session,
            step,
            shared,
            own,
            fingerprint(optimizer_state),
            trunk_weights or own,
            digest_of_states(codec_states),
        )
        self._point("writing", step)
        make_folder(self._disk, self.folder)
        for name in self._disk.names(self.folder):
            if name.startswith("step-") and name.endswith(PARTIAL):
                self._disk.remove(self.folder / name)  # by a process that died while writing
        data = encode_half(CheckpointHalf(mark, weights, optimizer_state, codec_states))
        write_atomically(self._disk, self._path(step), data, lambda: self._point("written", step))
        self._point("placed", step)
        for other in set(self.steps()) - {step, *keep}:
            self._disk.remove(self._path(other))
        self._point("saved", step)
        return mark

    def discard(self, steps: Collection[int]) -> None:
        """Remove the halves of some steps; raises `OSError`."""
        for step in set(self.steps()) & set(steps):
            self._disk.remove(self._path(step))
            self._disk.sync_folder(self.folder)

    def discard_before(self, step: int) -> None:
        """Remove what a crashed process left behind: all halves before `step` except the newest of them.

        Raises:
            OSError: one cannot be removed.
        """
        self.discard([older for older in self.steps() if older < step][1:])

    def set_aside(self) -> None:
        """Set aside the halves of an earlier run of this name, in a folder beside this one, before a new run begins.

        Raises:
            OSError: they cannot be moved, or there are too many such folders; the message says what to do.
        """
        if self.steps():
            place = self.place_aside()
            self._disk.rename(self.folder, place)
            self._disk.sync_folder(place.parent)
            log.warning("%s: checkpoints of an earlier run of that name; they are yours to delete", place)

    def place_aside(self) -> Path:
        """Return the first free folder for the halves of an earlier run; raises `OSError` if there is none."""
        places = [self.folder.with_name(f"{self._role}-before-{n}") for n in range(1, MOST_SET_ASIDE + 1)]
        free = [place for place in places if not self._disk.exists(place)]
        if not free:
            raise OSError(
                f"{places[0]} to {places[-1].name} hold checkpoints of earlier runs of that name; delete those that "
                "nobody needs"
            )
        return free[0]

    def load(self, step: int, agreement: Mapping[str, str]) -> CheckpointHalf:
        """Read a half.

        Raises:
            CheckpointError: missing, torn, or of another run; the message says what to do.
        """
        self._point("loading", step)
        found = self._read(step, agreement)
        self._point("loaded", step)
        return found

    def _read(self, step: int, agreement: Mapping[str, str]) -> CheckpointHalf:
        path = self._path(step)
        try:
            half = read_half(self._disk, path)
            self._check_place(path, half.mark, step)
            check_settings(path, half, agreement)
            if self._like is not None:
                check_tensors(path, half, self._like)
        except DamagedCheckpointError as error:
            others = ", ".join(map(str, self.steps()))
            raise DamagedCheckpointError(
                f"{error}; move it away to resume from another step (files here: {others or 'none'}), or start a new "
                "--session"
            ) from None
        return half

    def _check_place(self, path: Path, mark: CheckpointMark, step: int) -> None:
        if (mark.role, mark.session, mark.step) != (self._role, self._session, step):
            raise DamagedCheckpointError(f"{path} belongs to {mark.role} {mark.session} step {mark.step}")

    def _point(self, what: str, step: int) -> None:
        self._probe.point(f"{self._role}.checkpoint.{what}", step)

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.safetensors"


def known_steps(known: tuple[int, ...], step: int) -> tuple[int, ...]:
    """Return the steps that a party must keep when it saves a new one.

    Args:
        known: saved steps of this run: the one it continued from, or the last two saved. The last is complete on both
            sides, or the run would not have gone on to the next.
        step: the one being saved now, perhaps again.
    """
    return known if known[-1:] == (step,) else (*known[-1:], step)
