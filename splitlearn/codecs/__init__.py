"""The codecs, one per file: each module of this package registers the codec it is named after, `_` for `-`."""

from collections.abc import Mapping

from splitlearn import registry
from splitlearn.coding import (
    AnyCodec,
    Codec,
    InflatesTooFarError,
    State,
    StatefulCodec,
    bytes_of,
    kept_of,
    largest_of,
    lowest_of,
    planes_of,
    rows_of,
    sparse_bytes,
    tensor_from,
    tensor_from_planes,
    tensor_from_sparse,
)

__all__ = [
    "CODECS",
    "Codec",
    "InflatesTooFarError",
    "State",
    "StatefulCodec",
    "bytes_of",
    "kept_of",
    "largest_of",
    "lowest_of",
    "planes_of",
    "register",
    "rows_of",
    "sparse_bytes",
    "tensor_from",
    "tensor_from_planes",
    "tensor_from_sparse",
]

CODECS: Mapping[str, AnyCodec] = registry.CODECS
register = registry.CODECS.register
