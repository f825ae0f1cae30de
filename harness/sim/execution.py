"""Executes a scenario in a simulated world and writes the files that a real run writes, for the same judge."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from harness.judging.execution_result import ExecutionResult
from harness.plan.scenario import Scenario
from harness.recording.writer import RunWriter
from harness.sim.parties import SAVE_DIR
from harness.sim.parts import load_parts
from harness.sim.scope import must_be_simulated
from harness.sim.simulation import Simulation, quiet
from harness.trace.event import Event
from harness.trace.simulated_world import SimulatedWorld
from splitlearn.determinism import make_deterministic
from splitlearn.errors import UserError
from splitlearn.runtime import Disk
from splitlearn.tensor_log import FileTensorLog

__all__ = ["execute"]


def execute(scenario: Scenario, writer: RunWriter, on_event: Callable[[Event], None], *, seed: int) -> ExecutionResult:
    """Run a scenario in a simulated world, and write its trace, tensor logs and checkpoints to the run's folder.

    Args:
        scenario: what to run.
        writer: writes to the run's folder.
        on_event: called with every event.
        seed: seed of the choice tape.

    Raises:
        ScenarioError: the scenario cannot be simulated.
    """
    must_be_simulated(scenario)

    def take(event: Event) -> None:
        writer.event(event)
        on_event(event)

    with ExitStack() as stack:

        def new_log(party: str) -> FileTensorLog:
            # As in a real run, other clients keep digests only.
            whole = scenario.record_steps if party in ("client", "trunk") else ()
            return stack.enter_context(closing(FileTensorLog(writer.tensors(party), whole)))

        try:
            with quiet():  # the judge does not need the programs' warnings
                make_deterministic(scenario.config)
                world = Simulation(scenario, load_parts, seed, log_of=new_log, on_event=take)
        except UserError as error:  # a real program, too, would refuse these settings
            return ExecutionResult(str(error), None, ())
        outcome = world.run()
    for machine in world.disks.values():
        if machine.disk.exists(SAVE_DIR):
            copy_out(machine.disk, SAVE_DIR, writer.checkpoints)
    told = str(outcome.violation or "")
    seen = SimulatedWorld(seed, len(outcome.events), outcome.trace_hash, told)
    return ExecutionResult(outcome.problem, None, outcome.events, world=seen)


def copy_out(disk: Disk, folder: Path, to: Path) -> None:
    """Copy a folder, with its subfolders, from a simulated disk to the real one."""
    to.mkdir(parents=True, exist_ok=True)
    for name in disk.names(folder):
        try:
            data = disk.read(folder / name)
        except IsADirectoryError:
            copy_out(disk, folder / name, to / name)
        else:
            (to / name).write_bytes(data)
