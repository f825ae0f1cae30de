"""References trained once and judged against many times: they do not depend on links and faults."""

import hashlib
import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.oracle.promises import is_lossless
from harness.processes.program import Program
from harness.processes.starters import Starter
from splitlearn.config import Scope, TrainingConfig, names_of

__all__ = ["Reference", "References"]

# For the reference itself, whatever a scenario's own timeout is.
TIMEOUT = 900.0
# Settings that the reference does not read.
IRRELEVANT = names_of(Scope.EACH, Scope.CLIENT)


@dataclass(frozen=True)
class Reference:
    """A reference, running or done; its results are in `folder`."""

    folder: Path
    program: Program

    def wait(self, timeout: float = TIMEOUT) -> Path:
        """Wait until it is done; raises `HarnessError` with the end of its log if it failed."""
        status = self.program.wait(timeout)
        if status:
            raise HarnessError(f"the reference ended with status {status}; its log ends:\n{self.program.last_lines()}")
        return self.folder


class References:
    """Starts references, one per configuration."""

    def __init__(self, starter: Starter, folder: Path) -> None:
        self._starter = starter
        self._folder = folder
        self._started: dict[str, Reference] = {}
        self._starting = threading.Lock()

    def get(self, config: TrainingConfig, record_steps: Iterable[int] = (), *, timed: bool = False) -> Reference:
        """Return the reference of a configuration; start it if necessary.

        Args:
            config: the training's.
            record_steps: steps whose tensors are kept whole.
            timed: whether its times must be meaningful, so that it runs alone; the caller waits for it.
        """
        steps = sorted(record_steps)
        key = _key(config, steps, timed=timed)
        with self._starting:
            return self._one(key, config, steps)

    def _one(self, key: str, config: TrainingConfig, steps: list[int]) -> Reference:
        if key not in self._started:
            folder = self._folder / key
            folder.mkdir(parents=True, exist_ok=True)
            config.save(folder / "config.json")
            argv = ["--config", str(folder / "config.json"), "--out", str(folder)]
            argv += ["--record-steps", *map(str, steps)]
            program = self._starter.start("reference", "reference", argv, folder / "reference.log")
            self._started[key] = Reference(folder, program)
        return self._started[key]


def _key(config: TrainingConfig, steps: list[int], *, timed: bool) -> str:
    values = {name: value for name, value in json.loads(config.model_dump_json()).items() if name not in IRRELEVANT}
    if is_lossless(config.codec):
        values["codec"] = "lossless"
    return hashlib.sha256(json.dumps([values, steps, timed], sort_keys=True).encode()).hexdigest()[:16]
