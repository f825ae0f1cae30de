"""One answer that no trunk gives, or that it could but should not give."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from harness.fuzz.answers import Ask

__all__ = ["UINT32", "Lie", "altered"]

UINT32 = (1 << 32) - 1
CUT_SHARE = 0.3


@dataclass(frozen=True)
class Lie:
    """One answer.

    Attributes:
        kind: what is wrong with it.
        content: what it consists of.
        answer: returns the frames.
        belief: what a client may take it for: only a transport failure, the honest answer that it still contains, or
            anything in the protocol, because it is valid.
        ends_connection: whether the connection is closed afterwards.
    """

    kind: str
    content: bytes
    answer: Callable[[Ask], bytes]
    belief: Literal["failure", "honest", "anything"] = "failure"
    ends_connection: bool = False


def altered(lie: Lie, chance: random.Random) -> Lie:
    """Return a lie with altered or missing bytes; the connection is closed afterwards."""
    places = [(chance.random(), chance.randrange(1, 256)) for _ in range(chance.randint(1, 3))]
    left = chance.random() if chance.random() < CUT_SHARE else 1.0

    def answer(ask: Ask) -> bytes:
        data = bytearray(lie.answer(ask))
        for share, mask in places:
            data[int(share * len(data))] ^= mask
        return bytes(data[: int(left * len(data))])

    content = lie.content + repr((places, left)).encode()
    return replace(lie, content=content, answer=answer, ends_connection=True)
