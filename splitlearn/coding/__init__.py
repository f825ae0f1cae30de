"""How tensors become bytes and back: the codec protocol and the helpers that codecs share."""

from splitlearn.coding.codec import AnyCodec, Codec, InflatesTooFarError, State, StatefulCodec, bytes_of, tensor_from
from splitlearn.coding.passage import Passage, Slot, Stream
from splitlearn.coding.planes import planes_of, tensor_from_planes
from splitlearn.coding.sparse import kept_of, largest_of, lowest_of, rows_of, sparse_bytes, tensor_from_sparse
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
    "kept_of",
    "largest_of",
    "lowest_of",
    "planes_of",
    "rows_of",
    "sparse_bytes",
    "tensor_from",
    "tensor_from_planes",
    "tensor_from_sparse",
]
