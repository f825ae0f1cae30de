"""The user's own Python modules, imported from a file or by name."""

import importlib.util
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from harness.errors import UnusableError

__all__ = ["import_file", "import_named", "is_file", "is_module_name"]


def import_file(path: Path, name: str) -> ModuleType:
    """Import a file, which may import other modules in its folder.

    Raises:
        UnusableError: there is no such file, or it raises something; the message names the line.
    """
    if not is_file(path):
        raise UnusableError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UnusableError(f"{path} is no Python file; name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    # Whatever a user's file raises is reported as the user's mistake, even an exit.
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)  # the file may have taken itself out
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise UnusableError(f"{where}: {type(error).__name__}: {error}") from error
    finally:
        with suppress(ValueError):  # the file may change the path itself
            sys.path.remove(folder)
    return module


def import_named(name: str) -> ModuleType:
    """Import an importable module.

    Raises:
        ImportError: it cannot be found.
        UnusableError: it raises something else.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise
    # As for a file.
    except (Exception, SystemExit) as error:
        raise UnusableError(f"module {name}: {type(error).__name__}: {error}") from error


def is_module_name(name: str) -> bool:
    """Return whether a text is the absolute name of a module."""
    return all(part.isidentifier() for part in name.split("."))


def is_file(path: Path) -> bool:
    """Return whether there is such a file; False for what can be no path too."""
    try:
        return path.is_file()
    except OSError:  # a name that no system has, such as one that is too long
        return False
