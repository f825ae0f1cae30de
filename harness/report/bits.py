"""Floating-point numbers as bits, to show differences too small for decimals."""

import struct
from dataclasses import dataclass
from math import isfinite

from harness.recording.schema import Value

__all__ = ["BitPair", "bit_pair", "is_single"]


@dataclass(frozen=True)
class BitPair:
    """Two numbers as rows of bits, with whether each bit differs, and how far apart they are.

    `fields` holds the widths of sign, exponent and mantissa. `ulp` is the number of representable steps from one to the
    other.
    """

    split: str
    reference: str
    differs: tuple[bool, ...]
    fields: tuple[int, int, int]
    ulp: int


def bit_pair(split: Value, reference: Value) -> BitPair:
    """Compare the bits of two numbers: as 32-bit floats when both are exactly that, else as 64-bit floats.

    Raises:
        ValueError: one of them is not a finite number.
    """
    ours, theirs = float(split), float(reference)
    if not (isfinite(ours) and isfinite(theirs)):
        raise ValueError("only finite numbers have a distance in ULP")
    single = all(is_single(value) for value in (ours, theirs))
    left, right = _pattern(ours, single=single), _pattern(theirs, single=single)
    return BitPair(
        split=left,
        reference=right,
        differs=tuple(a != b for a, b in zip(left, right, strict=True)),
        fields=(1, 8, 23) if single else (1, 11, 52),
        ulp=abs(_ordinal(left) - _ordinal(right)),
    )


def is_single(value: float) -> bool:
    """Return whether a number is exactly a 32-bit float."""
    try:
        return str(struct.unpack("<f", struct.pack("<f", value))[0]) == str(value)
    except OverflowError:
        return False


def _pattern(value: float, *, single: bool) -> str:
    packed = struct.pack(">f" if single else ">d", value)
    return "".join(f"{byte:08b}" for byte in packed)


def _ordinal(pattern: str) -> int:
    """Number the floats in their order, so that neighbours differ by one and both zeros are 0."""
    magnitude = int(pattern[1:], 2)
    return -magnitude if pattern[0] == "1" else magnitude
