"""How tensors become bytes and back: the codec protocol and the helpers that codecs share."""

from splitlearn.coding.codec import Codec, InflatesTooFarError, bytes_of, tensor_from

__all__ = ["Codec", "InflatesTooFarError", "bytes_of", "tensor_from"]
