"""Checks before training that the model can take the data."""

from splitlearn.config import TrainingConfig
from splitlearn.data import TrainingData
from splitlearn.errors import ConfigError
from splitlearn.models.family import ModelIdentity

__all__ = ["check_data_fits"]


def check_data_fits(config: TrainingConfig, identity: ModelIdentity, data: TrainingData) -> None:
    """Raise `ConfigError` or `DataError` for data that the model cannot take."""
    if config.max_length > identity.positions:
        raise ConfigError(f"max_length = {config.max_length}: the model has {identity.positions} positions")
    data.tokenizer.check_fits(identity.vocab_size)
