"""Scenarios in which hostile peers send malformed requests while a client trains."""

from dataclasses import replace

from harness.events import At
from harness.fuzz.peers import HostilePeers, KeepPace
from harness.scenario import Scenario
from splitlearn.config import TrainingConfig

__all__ = ["hostile_peers"]

SEED = 1
# The client waits so often for its share of the requests, so that they go on all through the run.
PACES = 20


def hostile_peers(name: str, config: TrainingConfig, count: int) -> Scenario:
    """Give a run during which so many malformed requests are sent."""
    config = config.but(max_message_bytes=1 << 20, rpc_timeout=60.0)
    first = At("client.step.started", 3)
    every = (config.max_steps - 4) / PACES
    paces = (KeepPace(At(first.point, 3 + int(k * every)), count * k // PACES) for k in range(1, PACES + 1))
    made = Scenario(
        name,
        f"{count} malformed requests and raw connections while the client trains",
        config,
        faults=(HostilePeers(first, count, SEED), *paces),
        timeout=900.0,
        recovery_bound=60.0,
    )
    return replace(made, checks=(*made.checks, "hostility"))
