"""Ascending whole numbers in little more bits than there must be: the code of Elias and Fano.

After P. Elias, "Efficient storage and retrieval by content and address of static files", J. ACM 21 (1974), and R. Fano,
"On the number of bits required to implement an associative memory", MIT (1971). Of n numbers below u, each has its
lowest log2(u / n) bits stored as they are; the rest is in unary: number i sets the bit that has i ones, and as many
zeros as the rest of the number, before it. That takes at most n (2 + log2(u / n)) bits, whatever the numbers are.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["ascending_bytes", "ascending_from", "ascending_size"]

Numbers = npt.NDArray[np.int64]

END_BYTES = 8


def ascending_size(count: int, end: int) -> int:
    """Return how many bytes `count` numbers below `end` take."""
    return END_BYTES + sum(_parts(count, end))


def ascending_bytes(numbers: Numbers, end: int) -> bytes:
    """Encode different numbers from 0 to `end` - 1 in ascending order: `end`, their lowest bits, and the rest."""
    width = _low_bits(len(numbers), end)
    low_bits = (numbers[:, None] >> np.arange(width)).astype(np.uint8) & 1
    high_bits = np.zeros(_parts(len(numbers), end)[1] * 8, np.uint8)
    high_bits[(numbers >> width) + np.arange(len(numbers))] = 1
    low, high = (np.packbits(bits, bitorder="little") for bits in (low_bits, high_bits))
    return end.to_bytes(END_BYTES, "little") + low.tobytes() + high.tobytes()


def ascending_from(data: bytes, count: int, end: int) -> Numbers:
    """Decode `count` different numbers below `end`, in ascending order.

    Raises:
        ValueError: the bytes are not those that `ascending_bytes` makes of such numbers.
    """
    if len(data) != ascending_size(count, end):
        raise ValueError(f"{len(data)} bytes of positions instead of {ascending_size(count, end)}")
    if int.from_bytes(data[:END_BYTES], "little") != end:
        raise ValueError(f"positions that are not among {end}")
    width, split = _low_bits(count, end), _parts(count, end)[0]
    packed, used = np.frombuffer(data, np.uint8, offset=END_BYTES), count * width
    low_bits, high_bits = (np.unpackbits(part, bitorder="little") for part in (packed[:split], packed[split:]))
    if np.count_nonzero(high_bits) != count or low_bits[used:].any():
        raise ValueError(f"positions that are not {count}")
    numbers = (np.flatnonzero(high_bits) - np.arange(count)) << width
    for significance in range(width):
        numbers += low_bits[significance:used:width].astype(np.int64) << significance
    if (np.diff(numbers, append=end) <= 0).any():
        raise ValueError(f"positions that do not ascend to {end}")
    return numbers


def _low_bits(count: int, end: int) -> int:
    """Return how many bits of each number are stored as they are."""
    return max((end // max(count, 1)).bit_length() - 1, 0)


def _parts(count: int, end: int) -> tuple[int, int]:
    """Return the bytes of the lowest bits, and those of the rest."""
    width = _low_bits(count, end)
    return -(-count * width // 8), -(-(count + (end >> width)) // 8)
