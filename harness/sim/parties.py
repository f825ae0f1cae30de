"""The parties of a simulated world: who runs what, on which machine, and what they leave on their disks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.plan.faults import DiskFault
from harness.plan.other_clients import SESSION, other_clients_of
from harness.plan.scenario import Scenario
from harness.sim.choices import Choices
from harness.sim.kernel import Kernel
from harness.sim.machine import Machine
from harness.sim.network import SimNetwork
from harness.sim.observer import SimObserver
from harness.sim.parts import Parts
from harness.sim.party import SimParty
from harness.sim.programs import ClientProgram, TrunkProgram
from harness.sim.relay import SimRelay
from harness.sim.server import Monitor
from splitlearn.config import TrainingConfig
from splitlearn.tensor_log import TensorLog

__all__ = ["SAVE_DIR", "Surroundings", "finals_of", "new_parties"]

SAVE_DIR = Path("/checkpoints")
HALF = ".safetensors"


@dataclass(frozen=True)
class Surroundings:
    """What all parties of a world share.

    Attributes:
        kernel: schedules them.
        choices: the choice tape.
        observer: records their events.
        network: connects the clients to the trunk.
        relay: the hop before the trunk.
        monitor: receives every request that the trunk carries out.
    """

    kernel: Kernel
    choices: Choices
    observer: SimObserver
    network: SimNetwork
    relay: SimRelay
    monitor: Monitor


def new_parties(
    scenario: Scenario,
    around: Surroundings,
    parts_of: Callable[[TrainingConfig], Parts],
    log_of: Callable[[str, str], TensorLog],
    memory: int,
    step_seconds: float,
) -> dict[str, SimParty]:
    """Return the parties of a scenario by name, none of them started.

    Args:
        scenario: says which there are, and their settings.
        around: what they share.
        parts_of: returns the model and the data for a configuration.
        log_of: returns a party's tensor log, from its name and its session; the trunk has no session of its own.
        memory: byte limit for the step in progress at the trunk; 0 means that of its settings.
        step_seconds: virtual seconds for which a client computes in every step.
    """
    sessions = {"client": (SESSION, scenario.config)}
    sessions |= {other.party: (other.session, other.config) for other in other_clients_of(scenario)}
    parties = {name: _party(name, scenario, around) for name in ("trunk", *sessions)}
    parties["trunk"].program = _trunk(
        parties["trunk"], scenario, around, parts_of, log_of("trunk", ""), memory, len(sessions)
    ).run
    for name, (session, given) in sessions.items():
        config = _settings(scenario, "client", session, given)
        log = log_of(name, session)
        program = ClientProgram(
            parties[name], config, parts_of(config), around.network, around.observer, log, step_seconds
        )
        parties[name].program = program.run
    return parties


def finals_of(parties: Mapping[str, SimParty]) -> dict[str, bytes]:
    """Return the newest half of each session's checkpoint on each machine, by party, session and file name."""
    found = {}
    for name, party in parties.items():
        disk = party.machine.disk
        role = "trunk" if name == "trunk" else "client"
        for session in disk.names(SAVE_DIR):
            folder = SAVE_DIR / session / role
            halves = [each for each in disk.names(folder) if each.startswith("step-") and each.endswith(HALF)]
            if halves:
                found[f"{name}:{session}/{max(halves)}"] = disk.read(folder / max(halves))
    return found


def _party(name: str, scenario: Scenario, around: Surroundings) -> SimParty:
    party = SimParty(name, Machine(name, around.choices), around.kernel, around.observer)
    failing = {fault.victim for fault in scenario.faults if isinstance(fault, DiskFault)}
    # What the trunk cannot write ends its clients, too.
    party.supervised = name in failing or (name != "trunk" and "trunk" in failing)
    return party


def _trunk(
    party: SimParty,
    scenario: Scenario,
    around: Surroundings,
    parts_of: Callable[[TrainingConfig], Parts],
    log: TensorLog,
    memory: int,
    places: int,
) -> TrunkProgram:
    config = _settings(scenario, "trunk", SESSION, scenario.config)
    # Not checked: the least that the setting may be is far more than the tensors of a simulated run take.
    short = config.model_copy(update={"max_pending_bytes": memory}) if memory else config
    return TrunkProgram(
        party, short, parts_of(config), around.network, around.relay, around.observer, log, around.choices,
        around.monitor, places, scenario.idle_timeout,
    )  # fmt: skip


def _settings(scenario: Scenario, role: str, session: str, config: TrainingConfig) -> TrainingConfig:
    own = config.but(save_dir=SAVE_DIR, session=session, save_minutes=0, trunk_address="simulated:1")
    return scenario.settings_of(role, own)
