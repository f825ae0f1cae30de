"""The settings that client and trunk must agree on, as text by name, so that a mismatch can be named."""

from collections.abc import Mapping

from splitlearn.config import Scope, TrainingConfig, names_of
from splitlearn.models.family import ModelIdentity

__all__ = ["agreement", "first_difference", "shared_settings", "trunk_settings"]

PROTOCOL_VERSION = "4"


def shared_settings(config: TrainingConfig, identity: ModelIdentity) -> dict[str, str]:
    """Return the settings that both halves of a checkpoint must have."""
    shared = {name: str(getattr(config, name)) for name in names_of(Scope.BOTH)}
    return {
        "protocol": PROTOCOL_VERSION,
        "model.family": identity.family,
        **dict(identity.settings),
        **shared,
        "initial weights": identity.trunk_fingerprint,
    }


def agreement(config: TrainingConfig, identity: ModelIdentity) -> dict[str, str]:
    """Return the settings that are compared when both sides connect."""
    machines = {name: str(getattr(config, name)) for name in names_of(Scope.MACHINES)}
    return shared_settings(config, identity) | machines


def trunk_settings(config: TrainingConfig, identity: ModelIdentity) -> dict[str, str]:
    """Return what a resumed run depends on at the trunk: the shared settings, and those that it computes with."""
    own = {f"trunk {name}": str(getattr(config, name)) for name in names_of(Scope.MACHINES, Scope.MACHINE)}
    return shared_settings(config, identity) | own


def first_difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Describe the first setting that differs, with both values; empty if all agree."""
    for name in [*ours, *(extra for extra in theirs if extra not in ours)]:
        if ours.get(name) != theirs.get(name):
            return (
                f"{name} is {theirs.get(name, 'not given')} at the client and {ours.get(name, 'unknown')} at the trunk"
            )
    return ""
