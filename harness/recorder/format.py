"""The files of a recording's part and the values in them, as docs/recording.md defines them."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = ["DIGESTS", "FINAL", "FORMAT", "METADATA", "TENSOR", "VERSION", "Entry", "Metadata", "whole_file"]

FORMAT: Literal["splitlearn-recording"] = "splitlearn-recording"
VERSION: Literal[1] = 1

METADATA = "recording.json"
DIGESTS = "digests.jsonl"
FINAL = "final.safetensors"
# The only key of a safetensors file that holds one tensor.
TENSOR = "tensor"

# Prefixes of names that belong to a whole step and are not gradients; the first part of a number's name may be its
# party.
KINDS = ("norm", "number", "client", "trunk", "weight", "optimizer_state")
# Bytes between two slashes, which are part of a file's name; file systems take 255.
LONGEST_PART = 200


def _names_a_file(name: str) -> str:
    """Refuse a name that, read as a path, would leave the recording's folder, or that no file can have."""
    parts = name.split("/")
    if "\\" in name or not name.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise ValueError("a tensor's name has printable characters only, no backslash, and no empty or dotted part")
    if max(len(part.encode()) for part in parts) > LONGEST_PART:
        raise ValueError(f"a tensor's name has at most {LONGEST_PART} bytes between two slashes")
    return name


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has characters that cannot be printed")
    return text


TensorName = Annotated[str, AfterValidator(_names_a_file)]
Word = Annotated[str, AfterValidator(_printable)]
Count = Annotated[int, Field(ge=0, lt=2**63)]


class Metadata(BaseModel):
    """The contents of a part's `recording.json`.

    Attributes:
        format: distinguishes a recording from other folders.
        version: the format's.
        party: the writer of this part: a rank, a stage, a role.
        record_steps: steps whose tensors are kept whole.
        torch: the library's version.
        complete: whether the loop finished; None if the writer may be killed and restarted, and so cannot know.
        entries: number of lines in `digests.jsonl`, if the part is complete.
        final: whether there is a `final.safetensors`; None if the writer does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["splitlearn-recording"]
    version: Literal[1]
    party: Word = ""
    record_steps: list[Count] = []
    torch: Word = ""
    complete: bool | None = None
    entries: Count | None = None
    final: bool | None = None


class Entry(BaseModel):
    """One line of `digests.jsonl`: the digest of one tensor.

    Attributes:
        step: one update of the weights, counted from 0.
        microbatch: counted from 0 within the step; None for what belongs to the whole step.
        tensor: the tensor's name.
        sha256: of dtype, shape and bytes, in hexadecimal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    step: Count
    microbatch: Count | None
    tensor: TensorName
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    @model_validator(mode="after")
    def _is_of_a_known_kind(self) -> Self:
        kind, slash, _ = self.tensor.partition("/")
        if self.microbatch is None and slash and kind not in KINDS:
            raise ValueError(f"a tensor of a whole step whose name has a slash begins with one of {', '.join(KINDS)}")
        return self


def whole_file(step: int, microbatch: int | None, name: str) -> Path:
    """Return the path, within a part, of a tensor that is kept whole."""
    return Path(f"step-{step}") / f"{name if microbatch is None else f'{name}.{microbatch}'}.safetensors"
