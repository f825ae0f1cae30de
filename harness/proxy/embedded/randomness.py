"""Random numbers that a seed reproduces, in whatever order connections make progress."""

from random import Random

__all__ = ["generator_for"]


def generator_for(seed: int, proxy: str, connection: int, stream: str, toxic: str) -> Random:
    """Return the generator of one toxic on one direction of one connection of one proxy.

    `connection` counts a proxy's accepted connections from 0; `stream` is upstream or downstream.
    """
    key = repr((seed, proxy, connection, stream, toxic))
    return Random(key)  # noqa: S311 - faults must be reproducible, not unpredictable
