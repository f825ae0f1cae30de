"""Text in, batches out: the training data as a pure function of the configuration."""

from splitlearn.data.batch import IGNORED_LABEL, Microbatch, StepBatch, target_tokens
from splitlearn.data.corpus import read_documents, text_lines
from splitlearn.data.dataset import TrainingData, load_training_data
from splitlearn.data.tokenizer import Tokenizer, load_tokenizer

__all__ = [
    "IGNORED_LABEL",
    "Microbatch",
    "StepBatch",
    "Tokenizer",
    "TrainingData",
    "load_tokenizer",
    "load_training_data",
    "read_documents",
    "target_tokens",
    "text_lines",
]
