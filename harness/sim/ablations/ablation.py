"""An ablation: one safeguard of the protocol, and what switches it off in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, TypeAlias
from unittest.mock import patch

__all__ = ["Ablation", "Part", "Swap", "nothing"]

# A function, property or object of the system's own modules, which are changed by name and not imported.
Part: TypeAlias = Any


@dataclass(frozen=True)
class Swap:
    """One part of the system that is replaced.

    Attributes:
        target: its place, as `MODULE:NAME` or `MODULE:CLASS.NAME`.
        instead: takes the part and returns its replacement.
    """

    target: str
    instead: Callable[[Part], Part]

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Replace the part within the `with` block; raises `AttributeError` if there is none."""
        module, _, path = self.target.partition(":")
        owner, _, name = path.rpartition(".")
        holder = resolve_name(f"{module}:{owner}")
        with patch.object(holder, name, self.instead(getattr(holder, name))):
            yield


@dataclass(frozen=True)
class Ablation:
    """A safeguard, and what the system is without it.

    Attributes:
        name: for commands and tables.
        guards: what the safeguard does, in words.
        swaps: what switches it off.
        unseen: why no schedule fails without it: another safeguard covers for it, or the simulated world does nothing
            that it guards against; empty if schedules fail.
    """

    name: str
    guards: str
    swaps: tuple[Swap, ...]
    unseen: str = ""

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        """Switch the safeguard off in this process within the `with` block."""
        with ExitStack() as stack:
            for swap in self.swaps:
                stack.enter_context(swap.swapped())
            yield


def nothing(_part: Part) -> Part:
    """Replace a check by one that finds nothing wrong."""
    return lambda *_arguments, **_named: None
