"""Runs a training as real programs, split or not, and returns a sample of its step time."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from typing import TypeAlias

from harness.bench.workbench import Workbench
from harness.errors import HarnessError, TimedOutError
from harness.processes.program import Program
from harness.recording.writer import read_lines
from splitlearn.config import TrainingConfig

__all__ = ["WARM_UP", "Way", "single_step", "split_step"]

# Steps that are not counted: memory is allocated in them, and the connection learns how much the path takes.
WARM_UP = 2
START_TIMEOUT = 90.0
TIMEOUT = 900.0
LISTENING = "trunk listening on "
# Nothing signals that a line of the log has been written.
MOMENT = 0.02

# Takes the trunk's address, and provides the one that the client dials.
Way: TypeAlias = Callable[[str], AbstractContextManager[str]]


def single_step(workbench: Workbench, config: TrainingConfig) -> float:
    """Train in one process; return the median of the steps' seconds."""
    with workbench.fresh_folder() as folder:
        config.save(folder / "config.json")
        argv = ["--config", str(folder / "config.json"), "--out", str(folder / "seconds.json")]
        single = workbench.starter.start("single process", "harness.bench.single", argv, folder / "single.log")
        _must_succeed(single)
        return _typical(json.loads((folder / "seconds.json").read_text()))


def split_step(workbench: Workbench, config: TrainingConfig, way: Way) -> float:
    """Train with client and trunk as processes of their own; return the median of the steps' seconds."""
    with workbench.fresh_folder() as folder:
        own = config.but(save_dir=folder / "checkpoints")
        with _trunk(workbench, own, folder) as address, way(address) as dialled:
            own.but(trunk_address=dialled).save(folder / "client.json")
            argv = ["train", "--config", str(folder / "client.json")]
            _must_succeed(workbench.starter.start("client", "splitlearn", argv, folder / "client.log"))
        lines = read_lines(own.save_dir / own.session / "client" / "metrics.jsonl")
        return _typical([line["seconds"] for line in lines])


@contextmanager
def _trunk(workbench: Workbench, config: TrainingConfig, folder: Path) -> Iterator[str]:
    """Run a trunk during the `with` block, and provide its address."""
    config.save(folder / "trunk.json")
    argv = ["trunk", "--port", "0", "--config", str(folder / "trunk.json")]
    trunk = workbench.starter.start("trunk", "splitlearn", argv, folder / "trunk.log")
    try:
        yield _address(trunk)
    finally:
        trunk.stop()


def _address(trunk: Program) -> str:
    for _ in range(int(START_TIMEOUT / MOMENT)):
        for line in trunk.log.read_text(errors="replace").splitlines(keepends=True) if trunk.log.exists() else ():
            if line.startswith(LISTENING) and line.endswith("\n"):
                return line.removeprefix(LISTENING).strip()
        trunk.must_run()
        trunk.wait_a_while(MOMENT)
    raise TimedOutError(f"the trunk does not listen after {START_TIMEOUT:g} s; its log ends:\n{trunk.last_lines()}")


def _must_succeed(program: Program) -> None:
    try:
        status = program.wait(TIMEOUT)
    finally:
        if program.running:
            program.stop()
    if status:
        raise HarnessError(f"the {program.name} ended with status {status}; its log ends:\n{program.last_lines()}")


def _typical(seconds: list[float]) -> float:
    return median(seconds[WARM_UP:])
