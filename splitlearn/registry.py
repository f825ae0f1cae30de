"""Extensions by name, from this package or another distribution; listing the names imports none of them."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeVar

from splitlearn.errors import ConfigError

__all__ = ["CODECS", "LAYOUTS", "Registry"]

C = TypeVar("C", bound=type)


class Registry(Mapping[str, Any]):
    """Values by name, each imported when it is first looked up.

    A name is known if a module of the package has it, if an installed distribution declares it as an entry point in the
    group named like the package, or if `register` was called. On a clash the module of the package wins.

    Args:
        package: such as `splitlearn.codecs`; each of its modules registers a value under the module's own name, `-` for
            `_`.

    Attributes:
        registered: the values that have been imported or registered so far.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self.registered: dict[str, Any] = {}

    def register(self, kind: C) -> C:
        """Instantiate a class and register the instance under its attribute `name`; a decorator."""
        value: Any = kind()
        self.registered[value.name] = value
        return kind

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what it is depends on the registry
        """Return a value; raises `KeyError` for an unknown name, `ConfigError` for one that cannot be imported."""
        if name not in self.registered and name in self._modules:
            import_module(f"{self._package}.{name.replace('-', '_')}")
        elif name not in self.registered and name in self._entry_points:
            self._load(self._entry_points[name])
        return self.registered[name]

    def __iter__(self) -> Iterator[str]:
        """List the names."""
        return iter(dict.fromkeys([*self._modules, *sorted(self._entry_points), *self.registered]))

    def __len__(self) -> int:
        """Count the names."""
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        """Return whether a name is known, without importing anything."""
        return any(name == known for known in self)

    def known(self, name: str) -> str:
        """Return the name if it is known; raises `ValueError` otherwise."""
        if name not in self:
            raise ValueError(f"unknown; known are {', '.join(self)}")
        return name

    @cached_property
    def _modules(self) -> tuple[str, ...]:
        folder = Path(__file__).parent / self._package.partition(".")[2]
        return tuple(sorted(module.name.replace("_", "-") for module in iter_modules([str(folder)])))

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self._package)}

    def _load(self, entry: EntryPoint) -> None:
        try:
            entry.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{entry.name} of {self._package}: {entry.value} cannot be imported ({error})") from None
        if entry.name not in self.registered:
            raise ConfigError(f"{entry.name} of {self._package}: {entry.value} registers nothing under that name")


CODECS = Registry("splitlearn.codecs")
LAYOUTS = Registry("splitlearn.layouts")
