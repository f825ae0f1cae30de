"""Replaces a function of the system with a faulty one that can call the original."""

from collections.abc import Callable
from inspect import Parameter, isfunction, signature
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
        # Else every run would fail with a `TypeError`, and say nothing of the planted bug.
        assert not _is_ours(right) or _takes_arguments(wrong, right), f"{name} has other arguments than {wrong!r} takes"

        def called(*arguments: object, **named: object) -> object:
            return wrong(right, *arguments, **named)

        setattr(owner, name, called)
        return wrong

    return put


def _is_ours(right: Right) -> bool:
    """Return whether it is a function of the system's own; others are called with some of their arguments only."""
    return isfunction(right) and right.__module__.startswith("splitlearn.")


def _takes_arguments(wrong: Callable[..., Any], right: Right) -> bool:
    """Return whether a function can be called with another one, followed by all arguments that that one takes."""
    parameters = signature(right).parameters.values()
    by_place = [each.name for each in parameters if each.kind not in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD)]
    by_name = {each.name: None for each in parameters if each.kind is Parameter.KEYWORD_ONLY}
    try:
        signature(wrong).bind(right, *by_place, **by_name)
    except TypeError:
        return False
    return True
