"""Toxics of the user's own: files that register one when they are imported, by the embedded server too."""

import argparse
from pathlib import Path

from harness.plan.open_type import files_of
from harness.plan.recorded_module import RecordedModule
from harness.plan.user_module import is_module_name
from harness.proxy.embedded.toxics import toxic_type, toxic_type_names

__all__ = ["add_toxics_flag", "files_of_own_toxics", "toxics_flags"]

_FLAG = "--toxics"
_IS_IN = "="


def files_of_own_toxics() -> dict[str, str]:
    """Return the files that define the registered toxics, by the modules' names, without those of the harness."""
    return files_of(toxic_type(name) for name in toxic_type_names())


def toxics_flags() -> list[str]:
    """Return the flags that have a server register the same toxics."""
    return [word for name, file in files_of_own_toxics().items() for word in (_FLAG, f"{name}{_IS_IN}{file}")]


def add_toxics_flag(parser: argparse.ArgumentParser) -> None:
    """Add `--toxics`, which may be repeated."""
    parser.add_argument(
        _FLAG,
        type=_module,
        action="append",
        default=[],
        metavar="[MODULE=]FILE",
        help="import a Python file that registers toxics of your own; see docs/adding-a-toxic.md",
    )


def _module(text: str) -> RecordedModule:
    name, is_in, file = text.partition(_IS_IN)
    if not (is_in and is_module_name(name)):
        name, file = "", text
    path = Path(file).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {path}")
    if not (name or is_module_name(path.stem)):
        raise argparse.ArgumentTypeError(f"{path.name} has no module's name; rename it, or give MODULE={file}")
    return RecordedModule(name or path.stem, path)
