"""How tensors become bytes and back: the codec protocol and the helpers that codecs share."""

from splitlearn.coding.codec import AnyCodec, Codec, InflatesTooFarError, State, StatefulCodec, bytes_of, tensor_from
from splitlearn.coding.passage import Passage, Slot, Stream
from splitlearn.coding.planes import planes_of, tensor_from_planes
from splitlearn.coding.states import CodecStates, StatesTooLargeError

__all__ = [
    "AnyCodec",
    "Codec",
    "CodecStates",
    "InflatesTooFarError",
    "Passage",
    "Slot",
    "State",
    "StatefulCodec",
    "StatesTooLargeError",
    "Stream",
    "bytes_of",
    "planes_of",
    "tensor_from",
    "tensor_from_planes",
]
