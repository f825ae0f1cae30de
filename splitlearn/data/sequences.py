"""From text to token sequences of at most `max_length` tokens.

Shapes: L tokens of one sequence, N tokens of the corpus.
"""

from collections.abc import Sequence

import torch

from splitlearn.data.tokenizer import Tokenizer

__all__ = ["pack_documents", "tokenise_lines"]

MIN_TOKENS = 2  # a single token has nothing before it from which to predict it


def tokenise_lines(lines: Sequence[str], tokenizer: Tokenizer, max_length: int) -> tuple[torch.Tensor, ...]:
    """Make one sequence a line: its tokens and the end of text, cut off at `max_length`.

    Returns:
        int64 tensors of shape (L,), 2 <= L <= max_length; a line that has no target is left out.
    """
    rows = ([*tokenizer.encode(line), tokenizer.end_of_text][:max_length] for line in lines)
    return tuple(torch.tensor(row) for row in rows if len(row) >= MIN_TOKENS)


def pack_documents(documents: Sequence[str], tokenizer: Tokenizer, max_length: int) -> tuple[torch.Tensor, ...]:
    """Join the documents with the end of text and cut them into blocks.

    Returns:
        int64 tensors of shape (max_length,); the last may be shorter, and is left out where it has no target.
    """
    ids: list[int] = []
    for number, document in enumerate(documents):
        if number:
            ids.append(tokenizer.end_of_text)
        ids.extend(tokenizer.encode(document))
    ids_N = torch.tensor(ids, dtype=torch.int64)
    return tuple(block_L for block_L in torch.split(ids_N, max_length) if len(block_L) >= MIN_TOKENS)
