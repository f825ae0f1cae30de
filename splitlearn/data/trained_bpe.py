"""A byte-level BPE trained on the corpus, and the cache that keeps it.

Client and judge both train it and must get the same one: training is deterministic, and the cache is only a
shortcut. It is keyed by everything the result depends on and written with one rename; a damaged file is rebuilt.
"""

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from splitlearn.data.cache import cache_folder
from splitlearn.data.corpus import Document
from splitlearn.data.pieces import pieces_of

__all__ = ["END_OF_TEXT", "train_bpe"]

END_OF_TEXT = "<|endoftext|>"
MIN_FREQUENCY = 2  # a pair seen once is not worth a token
RECIPE = 2  # increase this when `_train` changes, so that older cache files are not used
# From a longer corpus, pieces from all over it with this many bytes in total: letter pairs are as frequent in them, and
# the words counted in memory are bounded.
MOST_BYTES = 64 << 20

logger = logging.getLogger(__name__)


def train_bpe(documents: tuple[Document, ...], digest: str, vocab_size: int) -> tokenizers.Tokenizer:
    """Train a byte-level BPE, or load it from the cache.

    Args:
        documents: the corpus.
        digest: the corpus's.
        vocab_size: upper bound of the vocabulary, `END_OF_TEXT` and the 256 bytes included; a small corpus may not
            have enough repeated pairs to reach it.
    """
    path = cache_folder("tokenizers") / f"{_cache_key(digest, vocab_size)}.json"
    try:
        return _read_cache(path)
    except (OSError, ValueError):
        tokenizer = _train(documents, vocab_size)
        _write_cache(path, tokenizer)
        return tokenizer


def sample(documents: tuple[Document, ...]) -> Iterator[str]:
    """Yield the corpus in pieces; only every second, third … piece if it is longer than `MOST_BYTES`."""
    stride = -(-sum(document.size for document in documents) // MOST_BYTES)
    pieces = (piece.text for document in documents for piece in pieces_of(document.chunks()))
    return (text for number, text in enumerate(pieces) if number % stride == 0)


def _train(documents: tuple[Document, ...], vocab_size: int) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample(documents), trainer)
    return tokenizer


def _cache_key(digest: str, vocab_size: int) -> str:
    settings = [RECIPE, tokenizers.__version__, vocab_size, MIN_FREQUENCY, END_OF_TEXT, MOST_BYTES, digest]
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()


def _read_cache(path: Path) -> tokenizers.Tokenizer:
    match json.loads(path.read_bytes()):
        case {"sha256": digest, "tokenizer": str(text)} if digest == _digest(text):
            return tokenizers.Tokenizer.from_str(text)
    raise ValueError(f"{path} is damaged")


def _write_cache(path: Path, tokenizer: tokenizers.Tokenizer) -> None:
    text = tokenizer.to_str()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            unfinished = Path(scratch) / path.name
            unfinished.write_text(json.dumps({"sha256": _digest(text), "tokenizer": text}))
            unfinished.replace(path)
    except OSError as error:
        logger.warning("the trained tokenizer is not cached: %s: %s", path.parent, error.strerror)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
