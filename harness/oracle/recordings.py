"""A recording as the judge reads it: the parts of all parties together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from harness.errors import UnusableError
from harness.oracle.digests import FINAL, Digests, Place, merged
from harness.oracle.parts import Part, read_part
from harness.recorder.format import DIGESTS, METADATA, whole_file

__all__ = ["Recording", "read_recording"]

# Where a run's folder keeps its recording.
OF_A_RUN = "tensors"


@dataclass(frozen=True)
class Recording:
    """Everything that was recorded of one training run.

    Attributes:
        path: as it was given.
        parts: one for each party.
    """

    path: Path
    parts: tuple[Part, ...]

    @cached_property
    def digests(self) -> Digests:
        """Digests by place, the final state's included; a tensor recorded twice with different bits has both."""
        recorded = [(place, digest) for part in self.parts for place, digest in _recorded(part)]
        return merged(recorded)

    @cached_property
    def parties(self) -> Mapping[Place, str]:
        """The party that recorded each tensor; the first, if there are several."""
        found: dict[Place, str] = {}
        for part in self.parts:
            for place, _ in _recorded(part):
                found.setdefault(place, part.party)
        return found

    @cached_property
    def turns(self) -> Mapping[Place, int]:
        """Each tensor's position in the order of recording."""
        return {place: turn for turn, place in enumerate(self.digests)}

    @property
    def complete(self) -> bool:
        """Whether no part says that its loop is unfinished."""
        return all(part.metadata.complete is not False for part in self.parts)

    @property
    def cut(self) -> int:
        """Number of lines that killed writers left unfinished."""
        return sum(part.cut for part in self.parts)

    @property
    def has_final(self) -> bool:
        """Whether final weights or optimizer state were kept."""
        return any(part.final for part in self.parts)

    def keeps(self, place: Place) -> bool:
        """Return whether a tensor was kept whole."""
        return any(_keeps(part, place) for part in self.parts)

    def load(self, place: Place) -> torch.Tensor | None:
        """Return a tensor that was kept whole, a complex one as pairs of real numbers; None if it was not kept."""
        for part in self.parts:
            if _keeps(part, place):
                tensor = _load(part, place)
                return torch.view_as_real(tensor) if tensor.is_complex() else tensor
        return None


def read_recording(path: Path) -> Recording:
    """Read a part's folder, a folder of parts, or the folder of a run.

    Reads every file once. Raises `UnusableError` if there is no recording, or it is damaged.
    """
    if not path.is_dir():
        raise UnusableError(f"{path} is no folder; give the folder of a recording")
    folders = [path] if _is_part(path) else _parts_in(path / OF_A_RUN if (path / OF_A_RUN).is_dir() else path)
    if not folders:
        raise UnusableError(
            f"{path} holds no recording: neither it nor a folder in it has a {METADATA}. "
            "Write one with harness.recorder.Recorder, as docs/recording.md shows"
        )
    return Recording(path, tuple(map(read_part, folders)))


def _is_part(folder: Path) -> bool:
    return (folder / METADATA).exists() or (folder / DIGESTS).exists()


def _parts_in(folder: Path) -> list[Path]:
    return sorted(inner for inner in folder.iterdir() if inner.is_dir() and _is_part(inner))


def _recorded(part: Part) -> list[tuple[Place, str]]:
    steps = [(Place(entry.step, entry.microbatch, entry.tensor), entry.sha256) for entry in part.entries]
    return steps + [(Place(FINAL, None, name), digest) for name, digest in part.final.items()]


def _keeps(part: Part, place: Place) -> bool:
    if place.step == FINAL:
        return place.tensor in part.final
    return whole_file(place.step, place.microbatch, place.tensor) in part.whole


def _load(part: Part, place: Place) -> torch.Tensor:
    if place.step == FINAL:
        return part.load_final(place.tensor)
    return part.load(whole_file(place.step, place.microbatch, place.tensor))
