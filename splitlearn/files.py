"""Files of this machine that are not part of the protocol."""

import os
from pathlib import Path

from splitlearn.errors import ConfigError

__all__ = ["drop_torn_line", "make_out_folder"]

LONGEST_LINE = 1 << 16


def make_out_folder(folder: Path) -> None:
    """Make the folder that `--out` names; raises `ConfigError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"out = {folder}: the folder cannot be made ({error.strerror}); choose another --out"
        raise ConfigError(message) from None


def drop_torn_line(path: Path) -> None:
    """Cut off what a crash has left after a file's last complete line; raises `OSError`."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        start = max(0, file.seek(0, os.SEEK_END) - LONGEST_LINE)
        file.seek(start)
        file.truncate(start + file.read().rfind(b"\n") + 1)
