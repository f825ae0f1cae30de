"""Loads the training data of a configuration: the text is tokenised once, and cached."""

import hashlib
import json
import logging
from functools import partial
from pathlib import Path

import tokenizers
import transformers
from tqdm import tqdm

from splitlearn.complaints import is_json
from splitlearn.config import TrainingConfig
from splitlearn.data.cache import cache_folder, cached
from splitlearn.data.corpus import Document, digest_of, read_documents
from splitlearn.data.dataset import TrainingData
from splitlearn.data.sequences import line_rows, packed_rows
from splitlearn.data.stored import StoredSequences, write_rows
from splitlearn.data.tokenizer import Tokenizer, load_tokenizer
from splitlearn.errors import DataError

__all__ = ["load_training_data"]

RECIPE = 1  # increase this when a text yields different sequences, so that older ones are not used
ROWS = {"lines": line_rows, "packed": packed_rows}
# A shorter text is tokenised too quickly to need a progress bar.
WORTH_A_WORD = 8 << 20

logger = logging.getLogger(__name__)


def load_training_data(config: TrainingConfig, text: str | None = None) -> TrainingData:
    """Read and tokenise the text that the configuration names.

    Args:
        config: names the text, and the tokenizer or the text to train it on.
        text: another text, to be read with the same tokenizer; None means the configuration's.

    Raises:
        DataError: text or tokenizer cannot be loaded, or no text is long enough to learn from.
    """
    name = config.data if text is None else text
    tokenizer = load_tokenizer(config)
    documents = read_documents(name)
    key = _key(config, tokenizer, digest_of(documents))
    place = cache_folder("tokens") / key
    try:
        sequences = cached(place, partial(_tokenise, documents, tokenizer, config), StoredSequences)
    except OSError as error:
        raise DataError(
            f"data = {name}: its tokens cannot be written ({error}); they take about as much room as the text: make "
            f"some in {place.parent}, or set XDG_CACHE_HOME to a folder that has it"
        ) from None
    found = sequences.summary
    if not found.count:
        raise DataError(f"data = {name}: no text in it has two tokens, so nothing can be learnt; give more text")
    if found.cut:
        logger.warning(
            "data = %s: %d of %d lines are longer than max_length = %d tokens; %d tokens at their ends are left out. "
            "Use --data-format packed, or a larger --max-length, to train on all of the text",
            name, found.cut, found.count, config.max_length, found.cut_tokens,
        )  # fmt: skip
    return TrainingData(config, tokenizer, sequences, found.skipped, found.cut, found.cut_tokens)


def _tokenise(documents: tuple[Document, ...], tokenizer: Tokenizer, config: TrainingConfig, folder: Path) -> None:
    size = sum(document.size for document in documents)
    if size > WORTH_A_WORD:
        logger.info("tokenising %d MB of text; this is done once", size // 1_000_000)
    # A progress bar is for people: without a terminal none is drawn.
    hidden = is_json() or size <= WORTH_A_WORD or None
    with tqdm(total=size, unit="B", unit_scale=True, desc="tokenising", disable=hidden) as progress:
        write_rows(ROWS[config.data_format](documents, tokenizer, config.max_length, progress.update), folder)


def _key(config: TrainingConfig, tokenizer: Tokenizer, digest: str) -> str:
    versions = [RECIPE, tokenizers.__version__, transformers.__version__]
    settings = [*versions, tokenizer.recipe(), config.data_format, config.max_length, digest]
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()
