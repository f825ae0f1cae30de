"""Settings of the text, and of how much of it is trained on."""

from typing import Literal

from pydantic import Field

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Data, Kept

__all__ = ["MAX_MICROBATCHES", "DataSettings"]

# Of a step; a trunk accepts no more.
MAX_MICROBATCHES = 1 << 16


class DataSettings(SettingsGroup):
    """Data settings."""

    data: Data[str] = Field("", description="text file; empty means Python's documentation topics")
    data_format: Kept[Literal["lines", "packed"]] = Field(
        "packed", description="one text a line, padded; or packed blocks"
    )
    tokenizer: Data[str] = Field(
        "", description="Hugging Face tokenizer folder or name; empty trains a BPE on the data"
    )
    max_length: Kept[int] = Field(128, ge=2, description="longest sequence in tokens")
    batch_size: Kept[int] = Field(8, ge=1, description="sequences a microbatch")
    gradient_accumulation_steps: Kept[int] = Field(1, ge=1, le=MAX_MICROBATCHES, description="microbatches a step")
    num_epochs: Data[int] = Field(1, ge=1, description="passes over the data")
    max_steps: Data[int] = Field(
        0, ge=0, description="stop after this many steps; 0 means at the end of the last epoch"
    )
