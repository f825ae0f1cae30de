"""Renamed settings: the old name still works, as a flag and in files, with a warning."""

import logging
from collections.abc import Callable, Mapping
from functools import cache

__all__ = ["OLD_NAMES", "with_new_names"]

log = logging.getLogger(__name__)

OLD_NAMES: Mapping[str, str] = {"patience": "retry_timeout"}


def with_new_names(values: Mapping[str, object], written: Callable[[str], str] = str) -> dict[str, object]:
    """Return settings by their current names; each old name causes one warning.

    Args:
        values: by name.
        written: how a name is written in their source, for messages.

    Raises:
        ValueError: a setting is given under both names.
    """
    renamed = dict(values)
    for old, new in OLD_NAMES.items():
        if old not in renamed:
            continue
        if new in renamed:
            raise ValueError(f"{written(old)} is the old name of {written(new)}: give {written(new)} alone")
        _warn(written(old), written(new))
        renamed[new] = renamed.pop(old)
    return renamed


@cache
def _warn(old: str, new: str) -> None:
    log.warning("%s is now called %s; the old name will be refused one day", old, new)
