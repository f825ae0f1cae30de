"""The checks by name; a file of checks registers its own, and is all that a new check takes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from harness.errors import UnusableError
from harness.trace.verdict import CheckResult

if TYPE_CHECKING:
    from harness.judging.facts import RunFacts

__all__ = ["CHECKS", "Check", "register_check"]

# Registering one loads nothing that computes; applying it does.
Check: TypeAlias = "Callable[[RunFacts], CheckResult]"
PREFIX = "check_"

CHECKS: dict[str, Check] = {}


def register_check(check: Check) -> Check:
    """Register a check under its function's name without `check_`, by which scenarios list it; a decorator.

    Raises:
        UnusableError: the name does not begin so, or another module has a check of that name.
    """
    name = check.__name__.removeprefix(PREFIX)
    if name == check.__name__:
        raise UnusableError(f"{check.__module__}: a check's name begins with {PREFIX!r}, so call it {PREFIX}{name}")
    other = CHECKS.get(name)
    if other is not None and other.__module__ != check.__module__:
        modules = f"{other.__module__} and {check.__module__}"
        raise UnusableError(f"{modules} both have a check {name!r}; choose another name for one")
    CHECKS[name] = check
    return check
