"""Places in a training run."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from harness.recording.schema.values import Value

__all__ = ["DivergenceRecord", "Where"]


def _as_list(index: object) -> object:
    return [index] if isinstance(index, int | str) else index


Index = Annotated[tuple[int | str, ...] | None, BeforeValidator(_as_list)]


@dataclass(frozen=True)
class Where:
    """The place of a finding; None for what does not apply."""

    step: int | None = None
    microbatch: int | None = None
    stage: str | None = None
    tensor: str | None = None
    index: Index = None
    split: Value | None = None
    reference: Value | None = None


@dataclass(frozen=True)
class DivergenceRecord(Where):
    """The first number that differs, and the first rung of the ladder on which it does."""

    rung: str | None = None
