"""Token sequences in files: written once, read one at a time, however many there are.

They are read, not mapped: pages of a mapped file count as the process's memory once touched, and an epoch touches all
of them.

Shapes: L tokens of one sequence.
"""

import hashlib
import json
import os
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch

__all__ = ["Sequences", "StoredSequences", "TokenRow", "digest_of_sequences", "write_rows"]

MIN_TOKENS = 2  # a single token has no predecessor to predict it from
TOKENS, STARTS, SUMMARY = "tokens.u32", "starts.i64", "summary.json"
READ_BYTES = 1 << 20


class TokenRow(NamedTuple):
    """Token ids of one sequence, and how many more tokens of its text did not fit."""

    ids: list[int]
    cut: int


class Sequences(Protocol):
    """int64 tensors of shape (L,), each with its own L >= 2."""

    def __len__(self) -> int:
        """Return the number of sequences."""

    def __getitem__(self, row: int, /) -> torch.Tensor:
        """Return one sequence."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yield all sequences in order."""


@dataclass(frozen=True)
class Summary:
    """Summary of stored sequences.

    Attributes:
        count: number of sequences.
        digest: of all, as returned by `digest_of_sequences`.
        skipped: number of texts left out because they have no target.
        cut: number of sequences whose text did not fit.
        cut_tokens: number of tokens cut from those texts.
        files: SHA-256 of each file's bytes, by name.
    """

    count: int
    digest: str
    skipped: int
    cut: int
    cut_tokens: int
    files: dict[str, str]


class StoredSequences:
    """Sequences in a folder that `write_rows` has filled; the folder may be removed while they are in use.

    Args:
        folder: contains the files.

    Raises:
        OSError: a file is missing or cannot be read.
        ValueError: a file is torn or altered.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.summary = Summary(**json.loads((folder / SUMMARY).read_bytes()))
        except TypeError as error:
            raise ValueError(f"{folder / SUMMARY}: {error}") from None
        self._tokens, self._starts = (self._opened(folder / name) for name in (TOKENS, STARTS))

    def __len__(self) -> int:
        """Return the number of sequences."""
        return self.summary.count

    def __getitem__(self, row: int, /) -> torch.Tensor:
        """Return one sequence, shape (L,)."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        first, end = np.frombuffer(os.pread(self._starts, 16, 8 * row), "<i8").tolist()
        content = os.pread(self._tokens, 4 * (end - first), 4 * first)
        assert len(content) == 4 * (end - first), "the file was cut off while it was in use"
        return torch.from_numpy(np.frombuffer(content, "<u4").astype(np.int64))

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yield all sequences in order."""
        return (self[row] for row in range(len(self)))

    def _opened(self, path: Path) -> int:
        """Open a file for as long as this object lives, and verify its digest."""
        descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, descriptor)
        digest = hashlib.sha256()
        with os.fdopen(os.dup(descriptor), "rb") as file:
            while content := file.read(READ_BYTES):
                digest.update(content)
        if digest.hexdigest() != self.summary.files.get(path.name):
            raise ValueError(f"{path} is damaged")
        return descriptor


def write_rows(rows: Iterable[TokenRow], folder: Path) -> None:
    """Write sequences into an empty folder; those without a target are left out.

    Raises:
        OSError: the disk is full.
    """
    digest = hashlib.sha256()
    count = skipped = cut = cut_tokens = position = 0
    with _DigestedFile(folder / TOKENS) as tokens, _DigestedFile(folder / STARTS) as starts:
        starts.write(np.int64(0).astype("<i8").tobytes())
        for row in rows:
            if len(row.ids) < MIN_TOKENS:
                skipped += 1
                continue
            ids_L = np.asarray(row.ids, np.int64)
            digest.update(_framed(ids_L))
            count += 1
            position += len(ids_L)
            tokens.write(ids_L.astype("<u4").tobytes())
            starts.write(np.int64(position).astype("<i8").tobytes())
            cut += row.cut > 0
            cut_tokens += row.cut
    files = {file.path.name: file.digest.hexdigest() for file in (tokens, starts)}
    summary = Summary(count, digest.hexdigest(), skipped, cut, cut_tokens, files)
    (folder / SUMMARY).write_text(json.dumps(asdict(summary)))


def digest_of_sequences(sequences: Sequences) -> str:
    """Return the SHA-256 of all sequences in order, in hexadecimal; that of stored ones is known."""
    if isinstance(sequences, StoredSequences):
        return sequences.summary.digest
    digest = hashlib.sha256()
    for sequence_L in sequences:
        digest.update(_framed(sequence_L.numpy()))
    return digest.hexdigest()


def _framed(ids_L: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bytes:
    return f"{len(ids_L)}|".encode() + ids_L.tobytes()


class _DigestedFile:
    """A new file that computes the digest of what is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = hashlib.sha256()

    def __enter__(self) -> "_DigestedFile":
        self._file = self.path.open("wb", READ_BYTES)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        """Append to the file."""
        self.digest.update(content)
        self._file.write(content)
