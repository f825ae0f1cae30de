"""Formats numbers, times and places, the same everywhere in the report."""

from math import inf

from harness.recording.schema import Trigger, Value, Where
from harness.report.bits import is_single

__all__ = ["ABSENT", "count", "duration", "measure", "place", "plural", "size", "value"]

ABSENT = "–"  # noqa: RUF001 - a dash, not a minus


def count(number: int | None) -> str:
    """Format a whole number with separators: 1,234,567."""
    return ABSENT if number is None else f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Format a number of things: 1 step, 2 steps."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """Format a time with three digits and a fitting unit: 4.2 ms, 1.5 s, 2 min 05 s; infinity is `never`."""
    if seconds is None:
        return ABSENT
    if seconds == inf:
        return "never"
    if seconds >= 119.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02} s"
    if seconds >= 1:
        return f"{seconds:.3g} s" if seconds < 99.5 else f"{seconds:.0f} s"
    return f"{seconds * 1000:.3g} ms"


def size(number: float | None) -> str:
    """Format a number of bytes: 512 B, 1.50 KiB, 6.00 MiB."""
    if number is None:
        return ABSENT
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1024 or unit == "GiB":
            break
        number /= 1024
    return f"{number:.0f} B" if unit == "B" else f"{number:.2f} {unit}"


def measure(number: float | None) -> str:
    """Format a measured number with three digits, and 0 and 1 exactly."""
    if number is None:
        return ABSENT
    if number in (0, 1):
        return str(int(number))
    # A cosine of 0.9999999 is not 1; three digits would hide the difference.
    return f"1 − {1 - number:.1e}" if 0.999 < number < 1 else f"{number:.3g}"  # noqa: RUF001 - a minus sign


def value(number: Value | bool | None) -> str:  # noqa: FBT001 - settings may be true or false
    """Format a value exactly: floats with every digit that distinguishes them from their neighbours."""
    if number is None:
        return ABSENT
    if isinstance(number, bool):
        return str(number).lower()
    if isinstance(number, float) and is_single(number):
        return f"{number:.9g}"  # nine digits identify every 32-bit float
    return f"{number:,}" if isinstance(number, int) else str(number)


def place(where: Where | Trigger | None, separator: str = " · ") -> str:
    """Format a place: step 7 · microbatch 1 · trunk · smashed_grad [0, 3, 17]."""
    if where is None:
        return ""
    parts = [where.point] if isinstance(where, Trigger) else []
    parts += [f"step {where.step}"] if where.step is not None else []
    parts += [f"microbatch {where.microbatch}"] if where.microbatch is not None else []
    if isinstance(where, Where):
        parts += [where.stage] if where.stage else []
        index = f" [{', '.join(map(str, where.index))}]" if where.index else ""
        parts += [where.tensor + index] if where.tensor else []
    return separator.join(parts)
