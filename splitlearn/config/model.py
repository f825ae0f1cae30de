"""Settings of the model, and of where it is cut."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Both, Model
from splitlearn.cuts import Cuts

__all__ = ["ModelSettings"]

CutsField = Annotated[
    Cuts,
    BeforeValidator(lambda value: Cuts.parse(value) if isinstance(value, str) else value),
    PlainSerializer(str, return_type=str),
]


class ModelSettings(SettingsGroup):
    """Model settings."""

    model: Model[str] = Field(
        "tiny",
        description="a preset, a Hugging Face folder or hub name, or a folder made by `splitlearn split`",
    )
    vocab_size: Model[int] = Field(
        2048, ge=257, description="size of a BPE trained on the data, and of a preset's embedding"
    )
    cuts: Both[CutsField] = Field(Cuts(1, 3), description="trunk = blocks lower:upper, half open, like 1:3")
    attention: Both[Literal["eager", "sdpa"]] = Field("sdpa", description="attention backend")
    dropout: Model[float | None] = Field(None, ge=0, lt=1, description="overrides the model's three dropout rates")
    seed: Both[int] = Field(0, ge=0, lt=2**63, description="decides initial weights, data order and dropout")
