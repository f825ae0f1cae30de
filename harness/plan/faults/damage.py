"""Messages altered in transit, so that gRPC and TCP notice nothing."""

from collections.abc import Callable, Mapping
from typing import Literal

__all__ = ["SPOTS", "WORDS", "Spot", "damaged"]

Spot = Literal["middle", "first", "head", "tail", "checksum"]

# One bit: the smallest possible alteration.
FLIPPED = 0b0000_0100
CHECKSUM_BYTES = 5
# Which byte of a message to alter, by its length. A message with a tensor consists mostly of the elements, which have
# their own checksum; type, shape, codec and that checksum are beside them, as are keys, norms and learning rates.
PLACES: Mapping[Spot, Callable[[int], int]] = {
    "middle": lambda size: size // 2,
    "first": lambda _size: 0,
    "head": lambda size: min(12, size // 3),
    "tail": lambda size: size - CHECKSUM_BYTES - 2,
    "checksum": lambda size: size - 2,
}
SPOTS: tuple[Spot, ...] = tuple(PLACES)
WORDS: Mapping[Spot, str] = {
    "middle": "in its middle, where a tensor's elements are",
    "first": "in its first byte",
    "head": "near its beginning, beside a tensor's elements",
    "tail": "near its end, where a tensor's checksum, a norm or a commit is",
    "checksum": "in its checksum",
}


def damaged(body: bytes, spot: Spot) -> bytes:
    """Return a message with one bit altered."""
    data = bytearray(body)
    data[PLACES[spot](len(data)) % len(data)] ^= FLIPPED
    return bytes(data)
