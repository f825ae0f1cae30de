"""A byte-level BPE trained on the corpus, and the cache that keeps it.

Client and judge both train it and must get the same one: training is deterministic, and the cache is only a
shortcut. It is keyed by everything the result depends on, written in one rename, and a damaged file is rebuilt.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

__all__ = ["END_OF_TEXT", "train_bpe"]

END_OF_TEXT = "<|endoftext|>"
MIN_FREQUENCY = 2  # a pair seen once is not worth a token
RECIPE = 1  # raise it when `_train` changes, so that older cache files are not used

logger = logging.getLogger(__name__)


def train_bpe(documents: Sequence[str], vocab_size: int) -> tokenizers.Tokenizer:
    """Train a byte-level BPE, or take it from the cache.

    Args:
        documents: the corpus.
        vocab_size: upper bound of the vocabulary, `END_OF_TEXT` and the 256 bytes included; a small corpus may not
            have enough repeated pairs to reach it.
    """
    path = _cache_folder() / f"{_cache_key(documents, vocab_size)}.json"
    try:
        return _read_cache(path)
    except (OSError, ValueError):
        tokenizer = _train(documents, vocab_size)
        _write_cache(path, tokenizer)
        return tokenizer


def _train(documents: Sequence[str], vocab_size: int) -> tokenizers.Tokenizer:
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
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def _cache_folder() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification tells to ignore a relative path; an unset variable is one too.
    return (base if base.is_absolute() else Path.home() / ".cache") / "splitlearn" / "tokenizers"


def _cache_key(documents: Sequence[str], vocab_size: int) -> str:
    settings = [RECIPE, tokenizers.__version__, vocab_size, MIN_FREQUENCY, END_OF_TEXT]
    key = hashlib.sha256(json.dumps(settings).encode())
    for document in documents:
        content = document.encode()
        key.update(len(content).to_bytes(8, "little") + content)
    return key.hexdigest()


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
