"""From a text to sequences of tokens: the judge's own implementation, for texts that fit into memory.

Written from "Rules that judge and system share" in docs/architecture.md.
Shapes: L tokens of one sequence.
"""

from collections.abc import Iterator, Sequence

import torch

from splitlearn.config import TrainingConfig
from splitlearn.data import Sequences, Tokenizer, TrainingData
from splitlearn.data.corpus import read_documents

__all__ = ["sequences_of"]

# Of longer texts the system's own are read: a reference must not take longer for them than for its steps.
MOST_BYTES = 1 << 18
LEAST_TOKENS = 2


def sequences_of(config: TrainingConfig, data: TrainingData) -> Sequences:
    """Return what a configuration trains on, int64 tensors of shape (L,), in the order of the text.

    Args:
        config: names the text, and says how it becomes sequences.
        data: the system's, whose tokenizer is used, and whose sequences are if the text is long.
    """
    documents = read_documents(config.data)
    if sum(document.size for document in documents) > MOST_BYTES:
        return data.sequences
    texts = ["".join(document.chunks()) for document in documents]
    rows = (_lines if config.data_format == "lines" else _blocks)(texts, data.tokenizer, config.max_length)
    return [torch.tensor(row, dtype=torch.int64) for row in rows if len(row) >= LEAST_TOKENS]


def _lines(texts: Sequence[str], tokenizer: Tokenizer, most: int) -> Iterator[list[int]]:
    """Yield each line that is not blank, with an end-of-text token behind it, as far as it fits."""
    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    for ids in tokenizer.encode_batch(lines):
        yield [*ids, tokenizer.end_of_text][:most]


def _blocks(texts: Sequence[str], tokenizer: Tokenizer, most: int) -> Iterator[list[int]]:
    """Yield all documents, with an end-of-text token between them, in blocks."""
    joined: list[int] = []
    for number, ids in enumerate(tokenizer.encode_batch(texts)):
        joined += [tokenizer.end_of_text, *ids] if number else ids
    yield from (joined[first : first + most] for first in range(0, len(joined), most))
