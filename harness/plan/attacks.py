"""Scenarios in which hostile peers send malformed requests while a client trains, and a trunk lies to clients."""

from dataclasses import replace

from harness.plan.adversaries import HostilePeers, KeepPace, LyingTrunk
from harness.plan.scenario import Scenario
from harness.trace.place import At
from splitlearn.config import TrainingConfig

__all__ = ["hostile_peers", "hostile_trunk"]

SEED = 1
# How often the client waits for its share of the requests, so that they last through the whole run.
PACES = 20


def hostile_peers(name: str, config: TrainingConfig, count: int) -> Scenario:
    """Return a run during which this many malformed requests are sent."""
    config = config.but(max_message_bytes=1 << 20, rpc_timeout=60.0)
    first = At("client.step.started", 3)
    every = (config.max_steps - 4) / PACES
    paces = (KeepPace(At(first.point, 3 + int(k * every)), count * k // PACES) for k in range(1, PACES + 1))
    made = Scenario(
        name,
        f"{count} malformed requests and raw connections while the client trains",
        config,
        adversaries=(HostilePeers(first, count, SEED), *paces),
        timeout=900.0,
        recovery_bound=60.0,
    )
    return replace(made, checks=(*made.checks, "hostility"))


def hostile_trunk(name: str, config: TrainingConfig, count: int) -> Scenario:
    """Return a run alongside which a separate trunk tells its own clients this many lies."""
    lying = LyingTrunk(At("client.step.started", 1), count, SEED)
    title = f"{count} answers that no trunk gives, to the client's calls"
    return Scenario(
        name, title, config, adversaries=(lying,), checks=("equivalence", "adversaries", "logs", "lies"), timeout=900.0
    )
