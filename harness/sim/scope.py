"""Decides whether a scenario can be simulated, and says why not."""

from collections.abc import Callable, Mapping

from harness.errors import ScenarioError
from harness.plan.faults.effects import PARTIES
from harness.plan.scenario import Scenario
from splitlearn.config import TrainingConfig

__all__ = ["must_be_simulated", "why_not_simulated"]

# Materials for the security that gRPC itself provides.
OF_SECURITY = frozenset({"token", "TLS", "mutual TLS"})
# Checks whose evidence only real programs produce.
OF_PROGRAMS = frozenset({"export", "hostility", "lies", "strangers"})

REASONS: Mapping[str, Callable[[Scenario], bool]] = {
    "its trunk runs in the client's process, without a network": lambda it: it.topology == "local",
    "it flips bits of HTTP/2, which the simulated network does not speak": lambda it: any(
        fault.needs_flipper for fault in it.faults
    ),
    "its adversaries attack real sockets": lambda it: bool(it.adversaries),
    "it uses TLS or a token, which gRPC checks": lambda it: (
        not OF_SECURITY.isdisjoint(it.materials) or any(_is_secured(it.settings_of(party)) for party in PARTIES)
    ),
    "its checks need evidence that only real programs produce": lambda it: not OF_PROGRAMS.isdisjoint(it.checks),
}


def why_not_simulated(scenario: Scenario) -> str:
    """Return why a scenario cannot be simulated; empty if it can."""
    return next((reason for reason, applies in REASONS.items() if applies(scenario)), "")


def must_be_simulated(scenario: Scenario) -> None:
    """Raise `ScenarioError` unless a scenario can be simulated."""
    reason = why_not_simulated(scenario)
    if reason:
        raise ScenarioError(f"scenario {scenario.name!r} cannot be simulated: {reason}; run it without --sim")


def _is_secured(config: TrainingConfig) -> bool:
    return any((config.token_file, config.tls_ca, config.tls_certificate, config.tls_key))
