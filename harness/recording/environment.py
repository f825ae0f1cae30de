"""Describes this machine and its packages."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import psutil

__all__ = ["commit", "machine", "versions"]

GIT_TIMEOUT = 10.0
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "grpcio", "protobuf", "splitlearn")


def versions() -> Mapping[str, str]:
    """Return the versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


@cache
def commit() -> str:
    """Return the commit of the running source tree, with `+changes` if edited since; empty outside of git."""
    git, folder = shutil.which("git"), Path(__file__).parent
    if git is None:
        return ""
    words = [git, "-C", str(folder), "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+changes"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=GIT_TIMEOUT)
    return done.stdout.strip()


def machine() -> Mapping[str, str | int | float]:
    """Describe processor, memory and system."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "os": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    # Neither psutil nor, on Linux, Python's own `platform` knows the processor's name.
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
