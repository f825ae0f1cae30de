"""Text to token ids and back."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from splitlearn.config import TrainingConfig
from splitlearn.data.corpus import read_documents
from splitlearn.data.trained_bpe import END_OF_TEXT, train_bpe
from splitlearn.errors import DataError

__all__ = ["Tokenizer", "load_tokenizer"]

ADVICE = (
    "give a folder that `save_pretrained` of a tokenizer wrote, a hub name that is cached or can be downloaded, "
    "or leave tokenizer empty to train one on the data"
)


@dataclass(frozen=True)
class Tokenizer:
    """Text to token ids and back.

    The text `<|endoftext|>` inside a document is the end-of-text token where the tokenizer knows it as a special
    one, as is usual in files that hold many documents.

    Args:
        backend: the Hugging Face tokenizer that does the work.
        vocab_size: one more than the largest token id.
        end_of_text: id of the token that ends a document.
    """

    backend: PreTrainedTokenizerBase
    vocab_size: int
    end_of_text: int

    def encode(self, text: str) -> list[int]:
        """Give the token ids of a text, with nothing added at its ends."""
        # Long documents are cut into blocks later: the library's length warning would only mislead.
        return list(self.backend.encode(text, add_special_tokens=False, verbose=False))

    def decode(self, ids: Sequence[int]) -> str:
        """Give the text of token ids, special tokens included."""
        return str(self.backend.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def fingerprint(self) -> str:
        """Digest the vocabulary; SHA-256 in hexadecimal."""
        vocabulary = json.dumps(sorted(self.backend.get_vocab().items()))
        return hashlib.sha256(vocabulary.encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write a folder that the setting `tokenizer` and Hugging Face's `AutoTokenizer` read."""
        self.backend.save_pretrained(folder)


def load_tokenizer(config: TrainingConfig, documents: Sequence[str] = ()) -> Tokenizer:
    """Load the tokenizer that the setting `tokenizer` names, or train one on the corpus.

    Args:
        config: `tokenizer`, and without one `data` and `vocab_size`, decide the result.
        documents: the corpus of `config.data`, where the caller has read it already.

    Raises:
        DataError: the tokenizer cannot be had or cannot be used, or the corpus cannot be read.
    """
    if config.tokenizer:
        return _checked(_load_hugging_face(config.tokenizer), config.tokenizer)
    bpe = train_bpe(documents or read_documents(config.data), config.vocab_size)
    backend = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call] # the library does not annotate it
        tokenizer_object=bpe, eos_token=END_OF_TEXT
    )
    return _checked(backend, "a BPE trained on the data")


def _load_hugging_face(name: str) -> PreTrainedTokenizerBase:
    folder = Path(name).expanduser()
    source = str(folder) if folder.is_dir() else name
    try:
        # Without an explicit refusal the library asks on the terminal whether to run the folder's own code.
        backend: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # noqa: BLE001 - the library's Rust half raises bare `Exception` for a damaged file
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(f"tokenizer = {name}: cannot be loaded ({type(error).__name__}: {reason}); {ADVICE}") from None
    return backend


def _checked(backend: PreTrainedTokenizerBase, name: str) -> Tokenizer:
    # A folder with a model but no vocabulary loads without complaint and turns every text into nothing.
    if backend.get_vocab().keys() <= set(backend.all_special_tokens):
        raise DataError(f"tokenizer = {name}: it has no vocabulary; {ADVICE}")
    if backend.eos_token_id is None:
        raise DataError(
            f"tokenizer = {name}: it has no end-of-text token; set eos_token in its tokenizer_config.json, "
            f"or choose a tokenizer made for text generation"
        )
    return Tokenizer(
        backend=backend,
        vocab_size=max(backend.get_vocab().values()) + 1,
        end_of_text=int(backend.eos_token_id),
    )
