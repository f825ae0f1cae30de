"""Text to token ids and back."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from splitlearn.config import TrainingConfig
from splitlearn.data.corpus import digest_of, read_documents
from splitlearn.data.trained_bpe import END_OF_TEXT, train_bpe
from splitlearn.errors import DataError
from splitlearn.hub import hub_answers_for

__all__ = ["Tokenizer", "load_tokenizer", "tokenizer_name"]

ADVICE = (
    "give a folder that `save_pretrained` of a tokenizer wrote, a hub name that is cached or can be downloaded, "
    "or leave tokenizer empty to train one on the data"
)


# Any of these files means that a model folder has a tokenizer.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "tokenizer.model")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tokenizer:
    """Text to token ids and back.

    The text `<|endoftext|>` inside a document becomes the end-of-text token if the tokenizer has it as a special token,
    as is usual in files with many documents.

    Args:
        backend: the Hugging Face tokenizer that does the work.
        vocab_size: one more than the largest token id.
        end_of_text: id of the token that ends a document.
    """

    backend: PreTrainedTokenizerBase
    vocab_size: int
    end_of_text: int

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text, with nothing added at its ends."""
        # Long documents are cut into blocks later, so the library's length warning would mislead.
        return list(self.backend.encode(text, add_special_tokens=False, verbose=False))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of many texts, as `encode` does for each; in parallel on all processors."""
        encoded = self.backend(
            list(texts),
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        return list(encoded["input_ids"])

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, special tokens included."""
        return str(self.backend.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def fingerprint(self) -> str:
        """Return the SHA-256 of the vocabulary, in hexadecimal."""
        return self._fingerprint

    def check_fits(self, vocab_size: int) -> None:
        """Raise `DataError` if the vocabulary is larger than the model's."""
        if self.vocab_size > vocab_size:
            raise DataError(
                f"the tokenizer has {self.vocab_size} tokens, and the model knows {vocab_size}; set tokenizer to the "
                f"model's own, or vocab_size to {vocab_size} at most where the tokenizer is trained on the data"
            )

    def recipe(self) -> str:
        """Return the SHA-256 of everything that decides how a text is tokenised, in hexadecimal.

        Raises:
            DataError: the folder for temporary files has no room for the tokenizer.
        """
        digest = hashlib.sha256()
        for name, data in self.files().items():
            digest.update(f"{name}|".encode() + hashlib.sha256(data).digest())
        return digest.hexdigest()

    def files(self) -> dict[str, bytes]:
        """Return what `save` writes, by name of the file, in order of the names.

        Raises:
            DataError: the folder for temporary files has no room for the tokenizer.
        """
        return dict(self._files)

    # Both are asked for with every checkpoint or session, and take milliseconds.
    @cached_property
    def _fingerprint(self) -> str:
        vocabulary = json.dumps(sorted(self.backend.get_vocab().items()))
        return hashlib.sha256(vocabulary.encode()).hexdigest()

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        try:
            with tempfile.TemporaryDirectory() as folder:
                self.save(Path(folder))
                return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        except OSError as error:
            raise DataError(
                f"the tokenizer cannot be written among the temporary files ({error}); make room there, or set TMPDIR "
                "to a folder that has it"
            ) from None

    def save(self, folder: Path) -> None:
        """Write a folder that the setting `tokenizer` and Hugging Face's `AutoTokenizer` read; raises `OSError`."""
        try:
            self.backend.save_pretrained(folder)
        except Exception as error:  # the library's Rust part raises bare `Exception` for a full disk
            raise OSError(f"the tokenizer cannot be written into {folder}: {error}") from error


def tokenizer_name(config: TrainingConfig) -> str:
    """Return the folder or hub name of the tokenizer: the setting, else the model folder's own, else empty."""
    own = any((Path(config.model) / name).is_file() for name in TOKENIZER_FILES)
    return config.tokenizer or (config.model if own else "")


def load_tokenizer(config: TrainingConfig) -> Tokenizer:
    """Load the tokenizer that the setting `tokenizer` names, else the model folder's own, else train one on the corpus.

    Args:
        config: `tokenizer` and `model` decide the result or, without a tokenizer there, `data` and `vocab_size`.

    Raises:
        DataError: the tokenizer cannot be loaded or used, or the corpus cannot be read.
    """
    name = tokenizer_name(config)
    if name:
        return _checked(_load_hugging_face(name), name)
    if Path(config.model).is_dir():
        logger.warning(
            "model = %s has no tokenizer: one is trained on the data, and its tokens mean nothing to weights that were "
            "learnt with another", config.model,
        )  # fmt: skip
    documents = read_documents(config.data)
    bpe = train_bpe(documents, digest_of(documents), config.vocab_size)
    backend = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call] # the library does not annotate it
        tokenizer_object=bpe, eos_token=END_OF_TEXT
    )
    return _checked(backend, "a BPE trained on the data")


def _load_hugging_face(name: str) -> PreTrainedTokenizerBase:
    folder = Path(name).expanduser()
    source = str(folder) if folder.is_dir() else name
    try:
        # Without an explicit refusal the library asks on the terminal whether to run the folder's own code.
        backend: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            source, trust_remote_code=False, local_files_only=not hub_answers_for(source)
        )
    except Exception as error:  # noqa: BLE001 - the library's Rust half raises bare `Exception` for a damaged file
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(f"tokenizer = {name}: cannot be loaded ({type(error).__name__}: {reason}); {ADVICE}") from None
    return backend


def _checked(backend: PreTrainedTokenizerBase, name: str) -> Tokenizer:
    # A model folder without a vocabulary loads without complaint and turns every text into nothing.
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
