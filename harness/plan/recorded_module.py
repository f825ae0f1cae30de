"""Modules of the user's own that a recording names: where each was imported from, and what its file contained.

A replay must use what the run used. Python's own search could find another module of that name, so a recorded file is
imported itself, and whatever was imported by name is compared with what was recorded.
"""

import hashlib
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from harness.errors import ScenarioError, UnusableError
from harness.plan.user_module import import_file, import_named, is_file, is_module_name

__all__ = ["RecordedModule", "digests_of", "import_recorded"]

PACKAGE = "__init__.py"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecordedModule:
    """A module as it was when the run was recorded.

    Attributes:
        name: in full.
        file: that it was imported from.
        sha256: of the file, in hexadecimal; None if that was not recorded.
    """

    name: str
    file: Path
    sha256: str | None = None

    @property
    def stands_alone(self) -> bool:
        """Whether the file is there and can be imported without a package around it."""
        return "." not in self.name and self.file.suffix == ".py" and self.file.name != PACKAGE and is_file(self.file)

    @property
    def root(self) -> Path | None:
        """The folder from which Python would import the file under the module's name; None if there is none."""
        parts, name = self.file.with_suffix("").parts, tuple(self.name.split("."))
        inside = parts[:-1] if self.file.name == PACKAGE else parts
        return Path(*inside[: -len(name)]) if inside[-len(name) :] == name else None

    def is_in(self, file: Path) -> bool:
        """Return whether this is the recorded file."""
        return file == self.file or (is_file(file) and is_file(self.file) and file.samefile(self.file))


def digests_of(files: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of each file that can be read, by the modules' names."""
    return {name: _sha256(Path(file)) for name, file in files.items() if is_file(Path(file))}


def import_recorded(recorded: RecordedModule) -> None:
    """Import a module, and warn if it is not what was recorded.

    Raises:
        ScenarioError: what should be a module's name is none.
        UnusableError: the module is nowhere, raises something, or another of its name has been imported before.
    """
    if not is_module_name(recorded.name):
        raise ScenarioError(f"modules: {recorded.name!r} is no module's full name, such as 'faults.of_mine'")
    module = sys.modules.get(recorded.name) or _imported(recorded)
    found = Path(getattr(module, "__file__", None) or "a place without a file")
    if recorded.sha256 and is_file(found) and _sha256(found) == recorded.sha256:
        return
    if recorded.is_in(found):
        if recorded.sha256 and is_file(found):
            logger.warning("%s was edited since the run was recorded: this is not quite the same run", found)
    elif recorded.stands_alone:
        raise UnusableError(
            f"a module {recorded.name} from {found} has been imported already, so that of the run, {recorded.file}, "
            "cannot be; move its definitions to a file of another name, and run the scenario again from there"
        )
    else:
        logger.warning(
            "module %s comes from %s, where the run had it from %s: this may not be the same run",
            recorded.name,
            found,
            recorded.file,
        )


def _imported(recorded: RecordedModule) -> ModuleType:
    if recorded.stands_alone:
        return import_file(recorded.file, recorded.name)
    found = _found_by_name(recorded.name)
    if found is None and not is_file(recorded.file):
        raise UnusableError(
            f"there is no file {recorded.file}, from which the run imported module {recorded.name}; put it back, or "
            "enter the place where it is now under `modules` of the scenario's file"
        )
    if found is None and recorded.root:
        # At the end, so that it hides nothing else.
        sys.path.append(str(recorded.root))
        try:
            found = _found_by_name(recorded.name)
        finally:
            sys.path.remove(str(recorded.root))
    return found or import_file(recorded.file, recorded.name)


def _found_by_name(name: str) -> ModuleType | None:
    try:
        return import_named(name)
    except ImportError as error:
        # Another module that this one needs may be the missing one.
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            return None
        raise UnusableError(f"{name}: {error}; make it importable") from None


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
