"""Reads one party's part of a recording strictly: anything damaged or foreign is refused with a message."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from harness.errors import UnusableError
from harness.recorder.digest import digest
from harness.recorder.format import DIGESTS, FINAL, FORMAT, METADATA, TENSOR, Entry, Metadata, whole_file

__all__ = ["Part", "read_part"]

ADVICE = "record it again"
DAMAGED = f"The recording is damaged; {ADVICE}"


@dataclass(frozen=True)
class Part:
    """What one party recorded.

    Attributes:
        folder: its folder.
        metadata: the contents of its `recording.json`.
        entries: digests in the order in which they were recorded.
        cut: number of lines that a killed writer left unfinished.
        whole: files of tensors that were kept whole, relative to the folder.
        final: digests of the final weights and optimizer state by name; empty if none were kept.
    """

    folder: Path
    metadata: Metadata
    entries: tuple[Entry, ...]
    cut: int
    whole: frozenset[Path]
    final: Mapping[str, str]

    @property
    def party(self) -> str:
        """The party that recorded it."""
        return self.metadata.party or self.folder.name

    def load(self, file: Path) -> torch.Tensor:
        """Return a tensor that was kept whole."""
        return _tensor(self.folder / file, TENSOR)

    def load_final(self, name: str) -> torch.Tensor:
        """Return a final weight, or one tensor of the final optimizer state."""
        return _tensor(self.folder / FINAL, name)


def read_part(folder: Path) -> Part:
    """Read a part and all of its files.

    Raises `UnusableError` if it is not a part, is damaged, or was truncated after it was completed.
    """
    metadata = _metadata(folder / METADATA)
    entries, cut = _entries(folder / DIGESTS, metadata)
    return Part(folder, metadata, entries, cut, _whole(folder, metadata, entries), _final(folder / FINAL, metadata))


def _entries(path: Path, metadata: Metadata) -> tuple[tuple[Entry, ...], int]:
    """Return the entries, and the number of unfinished lines."""
    entries, cut = [], 0
    for number, line in enumerate(_text(path).splitlines(), 1):
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError as error:
            if metadata.complete or _is_json(line):
                raise UnusableError(f"{path}, line {number}: {_reason(error)}. {DAMAGED}") from None
            cut += 1
    if metadata.entries not in (None, len(entries)):
        raise UnusableError(f"{path} has {len(entries)} of {metadata.entries} lines: it was cut short; {ADVICE}")
    return tuple(entries), cut


def _whole(folder: Path, metadata: Metadata, entries: Iterable[Entry]) -> frozenset[Path]:
    """Return the files of whole tensors, after reading each and comparing it with its recorded digest.

    A file that is unreadable because its writer was killed counts as not kept.
    """
    digests: dict[Path, set[str]] = {}
    for entry in entries:
        digests.setdefault(whole_file(entry.step, entry.microbatch, entry.tensor), set()).add(entry.sha256)
    found = set()
    for file in (file for file in digests if (folder / file).is_file()):
        try:
            right = digest(_tensor(folder / file, TENSOR)) in digests[file]
        except UnusableError:
            if metadata.complete:
                raise
            continue
        if not right:
            raise UnusableError(f"{folder / file} is not the tensor whose digest was recorded. {DAMAGED}")
        found.add(file)
    return frozenset(found)


def _final(path: Path, metadata: Metadata) -> Mapping[str, str]:
    if path.is_file():
        return {name: digest(_tensor(path, name)) for name in _names(path)}
    if metadata.final:
        raise UnusableError(f"{path} is missing, and the recording says that it was written. {DAMAGED}")
    return {}


def _metadata(path: Path) -> Metadata:
    text = _text(path)
    try:
        return Metadata.model_validate_json(text)
    except ValidationError as error:
        raise UnusableError(
            f"{path}: {_reason(error)}. This is no recording of format {FORMAT!r} that this version can read"
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableError(f"{path} cannot be read ({error.strerror}); {ADVICE}") from None
    except UnicodeDecodeError:
        raise UnusableError(f"{path} is not text. {DAMAGED}") from None


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"]))
    return f"{field}: {first['msg']}" if field else first["msg"]


def _names(path: Path) -> Iterator[str]:
    try:
        with safe_open(path, "pt") as file:
            names = list(file.keys())
    except (SafetensorError, OSError) as error:
        raise UnusableError(f"{path} cannot be read ({error}). {DAMAGED}") from None
    for name in names:
        if not name.isprintable() or not name.startswith(("weights/", "optimizer_state/")):
            raise UnusableError(f"{path} holds {name!r}; final tensors are named weights/... and optimizer_state/...")
        yield name


def _tensor(path: Path, name: str) -> torch.Tensor:
    try:
        with safe_open(path, "pt") as file:
            tensor: torch.Tensor = file.get_tensor(name)
    except (SafetensorError, OSError) as error:
        raise UnusableError(f"{path} cannot be read ({error}). {DAMAGED}") from None
    return tensor
