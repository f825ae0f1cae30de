"""Environments that have a wheel and what it declares, and nothing else; made of this one's libraries, offline."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, PathDistribution, distribution, distributions
from pathlib import Path, PurePath

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

DEADLINE = 240.0


def run(argv, cwd):
    """Run a program without anything of this tree on its path; return its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(
        [*map(str, argv)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment(wheel: Path, folder: Path, extras: Iterable[str] = ()) -> Path:
    """Install a wheel into a new environment, as `pip install WHEEL[EXTRAS]` would; return its interpreter."""
    run([sys.executable, "-m", "venv", "--without-pip", folder], folder)
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel]
    run([sys.executable, "-m", "pip", "--python", python, *install], folder)
    _link(declared(wheel, extras), packages_of(python))
    return python


def packages_of(python: Path) -> Path:
    """Return the folder of an environment's packages."""
    folder = python.parents[1]
    return Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))


def declared(wheel: Path, extras: Iterable[str] = ()) -> set[NormalizedName]:
    """Name every distribution that a wheel requires, directly or by another, in its metadata's words."""
    (metadata,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".dist-info/METADATA"))
    wanted = _requirements(PathDistribution(zipfile.Path(wheel, metadata.removesuffix("METADATA"))), extras)
    seen = set()
    while wanted:
        name, asked = wanted.pop()
        if (name, asked) not in seen:
            seen.add((name, asked))
            wanted |= _requirements(distribution(name), asked)
    return {name for name, _ in seen}


def _requirements(of: Distribution, extras: Iterable[str]) -> set[tuple[NormalizedName, frozenset[str]]]:
    found = [Requirement(text) for text in of.requires or ()]
    return {
        (canonicalize_name(one.name), frozenset(one.extras))
        for one in found
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    }


def _link(names: Iterable[NormalizedName], packages: Path) -> None:
    """Link the files of some distributions, a whole folder at once where no other distribution has a file in it."""
    files: dict[bool, set[PurePath]] = {True: set(), False: set()}
    for one in distributions():
        own = {PurePath(file) for file in one.files or () if file.parts[0] != ".." and "__pycache__" not in file.parts}
        files[canonicalize_name(one.name) in names] |= own
    shared = {folder for file in files[False] for folder in file.parents}
    links = {next(place for place in (*reversed(file.parents), file) if place not in shared) for file in files[True]}
    for link in links:
        (packages / link).parent.mkdir(parents=True, exist_ok=True)
        (packages / link).symlink_to(Path(sysconfig.get_path("purelib")) / link)
