"""Text in, batches out: the training data as a pure function of the configuration."""

from splitlearn.data.batch import IGNORED_LABEL, Microbatch, StepBatch, target_tokens
from splitlearn.data.corpus import read_documents
from splitlearn.data.dataset import TrainingData
from splitlearn.data.loading import load_training_data
from splitlearn.data.stored import Sequences
from splitlearn.data.tokenizer import Tokenizer, load_tokenizer, tokenizer_name

__all__ = [
    "IGNORED_LABEL",
    "Microbatch",
    "Sequences",
    "StepBatch",
    "Tokenizer",
    "TrainingData",
    "load_tokenizer",
    "load_training_data",
    "read_documents",
    "target_tokens",
    "tokenizer_name",
]
