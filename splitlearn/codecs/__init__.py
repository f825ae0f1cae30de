"""The codecs, one per file: each module of this package registers the codec it is named after."""

from collections.abc import Mapping

from splitlearn import registry
from splitlearn.coding import AnyCodec, Codec, InflatesTooFarError, State, StatefulCodec, bytes_of, tensor_from

__all__ = [
    "CODECS",
    "Codec",
    "InflatesTooFarError",
    "State",
    "StatefulCodec",
    "bytes_of",
    "register",
    "tensor_from",
]

CODECS: Mapping[str, AnyCodec] = registry.CODECS
register = registry.CODECS.register
