"""The contents of one party's half of a checkpoint, and the description in its header."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import torch

from splitlearn.models.family import fingerprint

__all__ = ["CheckpointHalf", "CheckpointMark", "Role", "digest_of_states"]

Role = Literal["client", "trunk"]


@dataclass(frozen=True)
class CheckpointMark:
    """The description in a half's header.

    Attributes:
        role: whose half it is.
        session: name of the run.
        step: number of optimizer steps applied.
        agreement: settings that the run must share, as JSON text.
        weights: digest of the half's weights.
        optimizer_state: digest of the half's optimizer state.
        trunk_weights: digest of the trunk's weights at the same step.
        codec_states: digest of the codec states; empty if there are none.
    """

    role: Role
    session: str
    step: int
    agreement: str
    weights: str
    optimizer_state: str
    trunk_weights: str
    codec_states: str = ""

    def text(self) -> str:
        """Return the mark as JSON, without `codec_states` if that is empty."""
        return json.dumps({name: value for name, value in asdict(self).items() if value or name != "codec_states"})


@dataclass(frozen=True)
class CheckpointHalf:
    """A half: its mark, and tensors by name.

    Attributes:
        mark: its description.
        weights: by Hugging Face name.
        optimizer_state: as `NAME/KEY`.
        codec_states: as `CodecStates.tensors` names them.
    """

    mark: CheckpointMark
    weights: Mapping[str, torch.Tensor]
    optimizer_state: Mapping[str, torch.Tensor]
    codec_states: Mapping[str, torch.Tensor]

    @property
    def is_sound(self) -> bool:
        """Whether the tensors have the digests that the mark names."""
        found = fingerprint(self.weights), fingerprint(self.optimizer_state), digest_of_states(self.codec_states)
        return found == (self.mark.weights, self.mark.optimizer_state, self.mark.codec_states)


def digest_of_states(codec_states: Mapping[str, torch.Tensor]) -> str:
    """Digest the codec states; return an empty text if there are none."""
    return fingerprint(codec_states) if codec_states else ""
