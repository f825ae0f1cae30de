"""How JSON names a type that users may define themselves: by its module and its name in it.

A program that reads a bare name must already know the type; `module:name` can be imported by one that does not, such as
a replay in a fresh process. The module's file is recorded too, in case it is not on the import path.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from harness.errors import ScenarioError
from harness.plan.user_module import import_named, is_module_name

__all__ = ["files_of", "reference_to", "type_at"]

OURS = "harness."
Base = TypeVar("Base")


def reference_to(kind: type) -> str:
    """Return a type's name in JSON."""
    return f"{kind.__module__}:{kind.__qualname__}"


def type_at(reference: str, base: type[Base]) -> type[Base]:
    """Return the type of a name in JSON, which must extend `base`; raises `ScenarioError` if there is none."""
    module, _, name = reference.partition(":")
    if not is_module_name(module):
        raise ScenarioError(f"there is no {reference}: a type is named by module:name")
    try:
        found: object = import_named(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ScenarioError(f"there is no {reference}: {error}; make it importable, or mend the reference") from None
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ScenarioError(f"{reference} is no {base.__name__}; name a class that extends it")
    return found


def files_of(kinds: Iterable[type | Callable[..., object]]) -> dict[str, str]:
    """Return the files of the modules that define types or functions, by name, without those of the harness itself."""
    modules = dict.fromkeys(kind.__module__ for kind in kinds if not kind.__module__.startswith(OURS))
    files = ((name, getattr(sys.modules.get(name), "__file__", None)) for name in modules)
    return {name: str(Path(file).resolve()) for name, file in files if file}
