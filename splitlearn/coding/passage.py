"""One tensor's passage through a codec, stateful or not."""

from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, TypeGuard, cast

import torch

from splitlearn.coding.codec import AnyCodec, Codec, State, StatefulCodec

__all__ = ["Passage", "Slot", "Stream"]

Stream: TypeAlias = Literal["smashed", "features", "features_grad", "smashed_grad"]
NOTHING: State = MappingProxyType({})


class Slot(NamedTuple):
    """Whose state it is. Each microbatch index has its own, so the order in which messages arrive does not matter."""

    codec: str
    stream: Stream
    microbatch: int


class Passage:
    """Codes or decodes one tensor, and holds the state that it leaves.

    Args:
        before: the state that the slot's last tensor left.
        slot: whose state it is; None for a tensor that leaves none, as in inference.

    Attributes:
        slot: as given.
        after: the state that this tensor leaves; None where the codec has none.
    """

    def __init__(self, before: State = NOTHING, slot: Slot | None = None) -> None:
        self._before = before
        self.slot = slot
        self.after: State | None = None

    def encode(self, codec: AnyCodec, tensor: torch.Tensor) -> bytes:
        """Encode a contiguous CPU tensor."""
        if is_stateful(codec):
            data, self.after = codec.encode_after(self._before, tensor)
            return data
        return cast("Codec", codec).encode(tensor)

    def decode(self, codec: AnyCodec, data: bytes, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
        """Decode a tensor of this type and shape; raises `ValueError` as codecs do."""
        if is_stateful(codec):
            tensor, self.after = codec.decode_after(self._before, data, dtype, shape)
            return tensor
        return cast("Codec", codec).decode(data, dtype, shape)

    def arriving(self, codec: AnyCodec, data: bytes, tensor: torch.Tensor) -> torch.Tensor:
        """Return what the receiver of a tensor's bytes will decode."""
        if codec.lossless:
            return tensor
        return Passage(self._before).decode(codec, data, tensor.dtype, tuple(tensor.shape))


def is_stateful(codec: AnyCodec) -> TypeGuard[StatefulCodec]:
    """Return whether a codec keeps a state.

    Asked for every tensor: `isinstance` of a protocol would take 50 times longer.
    """
    return hasattr(codec, "encode_after")
