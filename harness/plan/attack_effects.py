"""What the script of an adversary may ask for besides the effects of faults."""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["AttackEffect", "SendMalformed", "TellLies", "UntilAnswered"]


@dataclass(frozen=True)
class SendMalformed:
    """Have hostile peers send malformed requests to the trunk, and wait until the last is answered."""

    count: int
    seed: int


@dataclass(frozen=True)
class UntilAnswered:
    """Wait until the hostile peers have had this many answers."""

    count: int


@dataclass(frozen=True)
class TellLies:
    """Have a lying trunk lie to its own clients, and wait until the last lie is told."""

    count: int
    seed: int


AttackEffect: TypeAlias = SendMalformed | UntilAnswered | TellLies
