"""Replaces a function of the system with a faulty one that can call the original."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

__all__ = ["Right", "instead"]

# The original function.
Right: TypeAlias = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])


def instead(owner: object, name: str) -> Callable[[F], F]:
    """Return a decorator that replaces a function of a module or class with the decorated one.

    The decorated function is called with the original function, followed by the arguments of the call.

    Args:
        owner: the module or class.
        name: name of the function in it.
    """
    right = getattr(owner, name)

    def put(wrong: F) -> F:
        def called(*arguments: object, **named: object) -> object:
            return wrong(right, *arguments, **named)

        setattr(owner, name, called)
        return wrong

    return put
