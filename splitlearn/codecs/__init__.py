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
    planes_of,
    tensor_from,
    tensor_from_planes,
)

__all__ = [
    "CODECS",
    "Codec",
    "InflatesTooFarError",
    "State",
    "StatefulCodec",
    "bytes_of",
    "planes_of",
    "register",
    "tensor_from",
    "tensor_from_planes",
]

CODECS: Mapping[str, AnyCodec] = registry.CODECS
register = registry.CODECS.register
