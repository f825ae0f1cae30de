"""Replaces a function of the system by a wrong one that is given the right one."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

__all__ = ["Right", "instead"]

# The right function, which the wrong one may call.
Right: TypeAlias = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])


def instead(owner: object, name: str) -> Callable[[F], F]:
    """Return the decorator that puts a function in the place of a module's or a class's own.

    The wrong function is called with the right one, and then with the arguments of the call.
    """
    right = getattr(owner, name)

    def put(wrong: F) -> F:
        def called(*arguments: object, **named: object) -> object:
            return wrong(right, *arguments, **named)

        setattr(owner, name, called)
        return wrong

    return put
