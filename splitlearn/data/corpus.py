"""Where the training text comes from.

A corpus is a tuple of documents. The default one is Python's own documentation, which every installation has;
a text file is one document, or, seen through `text_lines`, one short text a line.
"""

from collections.abc import Iterable
from pathlib import Path
from pydoc_data.topics import topics

from splitlearn.errors import DataError

__all__ = ["read_documents", "text_lines"]

ADVICE = "give a UTF-8 text file, or leave data empty to train on Python's documentation"


def read_documents(data: str) -> tuple[str, ...]:
    """Read the corpus that the setting `data` names.

    Args:
        data: path of a UTF-8 text file, read whole as one document; empty for Python's documentation, one document
            a topic, in the order of the sorted topic names.

    Returns:
        The documents, every line end a single line feed.

    Raises:
        DataError: the file is missing, cannot be read, is not UTF-8, or holds no text.
    """
    if not data:
        return tuple(topics[name] for name in sorted(topics))
    path = Path(data).expanduser()
    text = _decode(_read_bytes(path), path)
    if not text.strip():
        raise DataError(f"data = {path}: the file holds no text; {ADVICE}")
    return (text,)


def text_lines(documents: Iterable[str]) -> tuple[str, ...]:
    """Cut documents into lines, in order, without the blank ones."""
    return tuple(line for document in documents for line in document.split("\n") if line.strip())


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"data = {path}: there is no such file; {ADVICE}") from None
    except IsADirectoryError:
        raise DataError(f"data = {path}: this is a folder; {ADVICE}") from None
    except OSError as error:
        raise DataError(f"data = {path}: the file cannot be read ({error.strerror}); {ADVICE}") from None


def _decode(content: bytes, path: Path) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"data = {path}: not UTF-8 at byte offset {error.start} (0x{content[error.start]:02x}); "
            f"convert the file to UTF-8"
        ) from None
    # The byte order mark and the two-character line ends of some editors are not part of the text.
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
