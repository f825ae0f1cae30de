"""Turns text into sequences of at most `max_length` tokens, a batch of pieces at a time."""

from collections.abc import Callable, Iterable, Iterator

from splitlearn.data.corpus import Document
from splitlearn.data.pieces import Piece, batches_of, lines_of, pieces_of
from splitlearn.data.stored import MIN_TOKENS, TokenRow
from splitlearn.data.tokenizer import Tokenizer

__all__ = ["line_rows", "packed_rows"]

Advance = Callable[[int], object]


def line_rows(
    documents: Iterable[Document], tokenizer: Tokenizer, max_length: int, advance: Advance
) -> Iterator[TokenRow]:
    """Yield one sequence per non-blank line: its tokens and the end-of-text token, truncated to `max_length`.

    Args:
        documents: to be read.
        tokenizer: for them.
        max_length: of a sequence.
        advance: called with the number of bytes of text tokenised since the last call.
    """
    lines = (piece for document in documents for piece in lines_of(document.chunks()))
    row: list[int] = []
    tokens, blank = 0, True
    for piece, ids in _tokenised(lines, tokenizer, advance):
        row.extend(ids[: max_length - len(row)])
        tokens += len(ids)
        blank = blank and not piece.text.strip()
        if piece.last:
            if not blank:
                yield TokenRow([*row, tokenizer.end_of_text][:max_length], cut=max(0, tokens - max_length))
            row, tokens, blank = [], 0, True


def packed_rows(
    documents: Iterable[Document], tokenizer: Tokenizer, max_length: int, advance: Advance
) -> Iterator[TokenRow]:
    """Yield blocks of `max_length` tokens from the documents, joined with the end-of-text token.

    The last block may be shorter, and is left out if it has no target. The arguments are those of `line_rows`.
    """
    pieces = (piece for document in documents for piece in pieces_of(document.chunks()))
    ids: list[int] = []
    between = False
    for piece, tokens in _tokenised(pieces, tokenizer, advance):
        if between:
            ids.append(tokenizer.end_of_text)
        ids.extend(tokens)
        between = piece.last
        whole = len(ids) - len(ids) % max_length
        for start in range(0, whole, max_length):
            yield TokenRow(ids[start : start + max_length], cut=0)
        del ids[:whole]
    if len(ids) >= MIN_TOKENS:
        yield TokenRow(ids, cut=0)


def _tokenised(pieces: Iterable[Piece], tokenizer: Tokenizer, advance: Advance) -> Iterator[tuple[Piece, list[int]]]:
    for batch in batches_of(pieces):
        texts = [piece.text for piece in batch]
        yield from zip(batch, tokenizer.encode_batch(texts), strict=True)
        advance(sum(len(text.encode()) for text in texts))
