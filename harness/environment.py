"""What this machine and its packages are."""

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

__all__ = ["machine", "versions"]

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "grpcio", "protobuf", "splitlearn")


def versions() -> Mapping[str, str]:
    """Give the versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def machine() -> Mapping[str, str | int | float]:
    """Describe processor, memory and system."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "os": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
