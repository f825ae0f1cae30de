"""Names of scenarios, which are also parts of the names of their runs' folders."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.plan.scenario import Scenario

__all__ = ["LONGEST_NAME", "derived_name", "name_fits_a_folder"]

# In bytes. A folder's name has at most 255 and begins with the time of the run.
LONGEST_NAME = 150


def derived_name(name: str, suffix: str) -> str:
    """Return the name of a scenario derived from another one; a long name is truncated, so that the suffix fits."""
    kept = name.encode()[: LONGEST_NAME - len(suffix.encode())]
    return kept.decode(errors="ignore") + suffix


def name_fits_a_folder(scenario: "Scenario") -> Iterator[str]:
    """The name becomes part of the run's folder's name, and must not lead anywhere else."""
    name = scenario.name
    if not name or not name.isprintable() or name in (".", "..") or "/" in name or "\\" in name:
        yield f"the name {name!r} cannot be part of a folder's name; use letters, digits, dots and dashes"
    elif len(name.encode()) > LONGEST_NAME:
        yield f"the name has {len(name.encode())} bytes; a folder's name has room for {LONGEST_NAME}, so shorten it"
