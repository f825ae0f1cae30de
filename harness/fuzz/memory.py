"""Whether the trunk's memory grew with the malformed requests."""

from collections.abc import Sequence

__all__ = ["growth"]


def growth(answered: Sequence[int], resident: Sequence[int]) -> float:
    """Fit the growth of resident memory in bytes per 1,000 requests, by least squares.

    The first third is left out: what a process allocates once, as it meets each kind of request, is no growth.
    """
    points = list(zip(answered, resident, strict=True))[len(answered) // 3 :]
    middle = sum(x for x, _ in points) / len(points)
    squares = sum((x - middle) ** 2 for x, _ in points)
    return 1000 * sum((x - middle) * y for x, y in points) / squares
