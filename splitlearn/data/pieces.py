"""Long texts in pieces that can be tokenised one by one.

A tokenizer needs memory of some hundred times the size of the text passed to it. So a text is cut, but only before a
single space or line feed between two other characters: byte-level BPE such as GPT-2's never merges across such a place,
so the tokens of the pieces are those of the whole.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["Piece", "batches_of", "lines_of", "pieces_of"]

# In characters. A shorter text is not cut; a text with no place to cut in twice as many is cut anywhere.
PIECE = 1 << 14
BATCH = 1 << 17
PLACE = re.compile(r"(?<=\S)[ \n](?=\S)")


class Piece(NamedTuple):
    """A part of a text; `last` if the text ends with it."""

    text: str
    last: bool


def pieces_of(chunks: Iterable[str]) -> Iterator[Piece]:
    """Cut one text; the pieces do not depend on its chunks."""
    held = ""
    for chunk in chunks:
        *whole, held = _cut(held + chunk)
        for text in whole:
            yield Piece(text, last=False)
    yield Piece(held, last=True)


def lines_of(chunks: Iterable[str]) -> Iterator[Piece]:
    """Cut a document into its lines, blank ones included, and long lines into pieces."""
    held = ""
    for chunk in chunks:
        *ended, open_line = (held + chunk).split("\n")
        for line in ended:
            yield from pieces_of([line])
        *whole, held = _cut(open_line)
        for text in whole:
            yield Piece(text, last=False)
    yield Piece(held, last=True)


def batches_of(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Collect pieces into batches of bounded size that are worth a call of the tokenizer."""
    batch: list[Piece] = []
    characters = 0
    for piece in pieces:
        batch.append(piece)
        characters += len(piece.text) + 1
        if characters >= BATCH:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _cut(text: str) -> list[str]:
    """Return the pieces that are certain whatever follows, and the rest."""
    pieces = []
    start = 0
    while len(text) - start > 2 * PIECE:
        found = PLACE.search(text, start + PIECE, start + 2 * PIECE + 1)
        end = found.start() if found else start + 2 * PIECE
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]
