"""A Python file of the user's own, imported as a module."""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from harness.errors import UnusableError

__all__ = ["import_file"]


def import_file(path: Path, name: str) -> ModuleType:
    """Import a file, which may import what lies beside it.

    Raises:
        UnusableError: there is no such file, or it raises something; the message names the line.
    """
    if not path.is_file():
        raise UnusableError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    # What a user's file raises is told as the user's mistake, whatever it is; that it ends the program, too.
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise UnusableError(f"{where}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module
