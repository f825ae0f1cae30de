"""How tensors are coded on the wire: one codec a file, registered here."""

from splitlearn.codecs.codec import Codec, InflatesTooFarError, bytes_of, tensor_from
from splitlearn.codecs.fp16 import Fp16Codec
from splitlearn.codecs.raw import RawCodec
from splitlearn.codecs.zlib import ZlibCodec

__all__ = ["CODECS", "Codec", "InflatesTooFarError", "bytes_of", "tensor_from"]

CODECS: dict[str, Codec] = {codec.name: codec for codec in (RawCodec(), Fp16Codec(), ZlibCodec())}
