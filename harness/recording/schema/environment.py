"""environment.json: the machine and versions of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.recording.schema.values import Value

__all__ = ["EnvironmentRecord", "ProxyRecord"]


@dataclass(frozen=True)
class ProxyRecord:
    """The proxy between the parties."""

    kind: str
    version: str | None = None


@dataclass(frozen=True)
class EnvironmentRecord:
    """Versions, machine, and settings common to all processes."""

    versions: Mapping[str, str | None] = field(default_factory=dict)
    machine: Mapping[str, Value | None] = field(default_factory=dict)
    threads: int | None = None
    proxy: ProxyRecord | None = None
    seed: int | None = None
    commit: str = ""
