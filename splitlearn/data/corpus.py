"""Where the training text comes from.

A corpus is a tuple of documents. The default is Python's own documentation, which every installation has; a text file
is one document, read a chunk at a time, however long it is.
"""

import codecs
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from typing import Protocol

from splitlearn.errors import DataError

__all__ = ["Document", "Text", "TextFile", "digest_of", "read_documents"]

ADVICE = "give a UTF-8 text file, or leave data empty to train on Python's documentation"
CHUNK_BYTES = 1 << 20


class Document(Protocol):
    """One text of any length."""

    @property
    def size(self) -> int:
        """Return its length in bytes."""

    def chunks(self) -> Iterator[str]:
        """Yield the text in arbitrary chunks, with line feeds as line ends; raises `DataError`."""


@dataclass(frozen=True)
class Text:
    """A text in memory."""

    text: str

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return len(self.text.encode())

    def chunks(self) -> Iterator[str]:
        """Yield the text."""
        yield self.text


@dataclass(frozen=True)
class TextFile:
    """A UTF-8 file in the state in which it was first opened.

    Args:
        path: of the file.
        size: its length in bytes.
        changed: time of the last write, in nanoseconds.
    """

    path: Path
    size: int
    changed: int

    def chunks(self) -> Iterator[str]:
        """Yield the text, without a byte order mark and with line feeds only; raises `DataError`."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        line_ends = io.IncrementalNewlineDecoder(None, translate=True)
        offset, started = 0, False
        try:
            with self.path.open("rb") as file:
                while True:
                    content = file.read(CHUNK_BYTES)
                    held = len(decoder.getstate()[0])
                    try:
                        text = decoder.decode(content, final=not content)
                    except UnicodeDecodeError as error:
                        raise self._not_utf8(offset - held + error.start, error.object[error.start]) from None
                    # The byte order mark that some editors write is not part of the text.
                    yield line_ends.decode(text if started else text.removeprefix("\ufeff"), final=not content)
                    started = started or bool(text)
                    offset += len(content)
                    if not content:
                        break
            if _times(self.path) != (self.size, self.changed):
                raise DataError(f"data = {self.path}: the file was changed while it was read; start again")
        except OSError as error:
            raise _unreadable(self.path, error) from None

    def _not_utf8(self, offset: int, byte: int) -> DataError:
        return DataError(
            f"data = {self.path}: not UTF-8 at byte offset {offset} (0x{byte:02x}); convert the file to UTF-8"
        )


def read_documents(data: str) -> tuple[Document, ...]:
    """Return the corpus that the setting `data` names.

    Args:
        data: path of a UTF-8 text file, which is one document; empty for Python's documentation, one document per
            topic, sorted by topic name.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    if not data:
        return tuple(Text(topics[name]) for name in sorted(topics))
    path = Path(data).expanduser()
    try:
        size, changed = _times(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    if not path.is_file():  # a pipe can be read only once
        kind = "a folder" if path.is_dir() else "no plain file"
        raise DataError(f"data = {path}: this is {kind}; {ADVICE}")
    return (TextFile(path, size, changed),)


def digest_of(documents: tuple[Document, ...]) -> str:
    """Return the SHA-256 of all texts and their boundaries, in hexadecimal.

    Raises:
        DataError: a file cannot be read or is not UTF-8, or there is no text.
    """
    whole = hashlib.sha256()
    blank = True
    for document in documents:
        own = hashlib.sha256()
        for chunk in document.chunks():
            own.update(chunk.encode())
            blank = blank and not chunk.strip()
        whole.update(own.digest())
    if blank:
        names = ", ".join(str(document.path) for document in documents if isinstance(document, TextFile))
        raise DataError(f"data = {names}: the file holds no text; {ADVICE}")
    return whole.hexdigest()


def _times(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _unreadable(path: Path, error: OSError) -> DataError:
    missing = isinstance(error, FileNotFoundError)
    reason = "there is no such file" if missing else f"the file cannot be read ({error.strerror})"
    return DataError(f"data = {path}: {reason}; {ADVICE}")
