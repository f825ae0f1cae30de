"""What client and trunk must agree on, as text by name, so that a mismatch can be named."""

from collections.abc import Mapping

from splitlearn.config import TrainingConfig
from splitlearn.models.family import ModelIdentity

__all__ = ["agreement", "first_difference", "shared_settings", "trunk_settings"]

PROTOCOL_VERSION = "4"
SHARED_FIELDS = ("cuts", "dtype", "attention", "seed", "optimizer_type", "weight_decay")


def shared_settings(config: TrainingConfig, identity: ModelIdentity) -> dict[str, str]:
    """Return the settings that both halves of a checkpoint must have."""
    shared = {field: str(getattr(config, field)) for field in SHARED_FIELDS}
    return {
        "protocol": PROTOCOL_VERSION,
        "model.family": identity.family,
        **dict(identity.settings),
        **shared,
        "initial weights": identity.trunk_fingerprint,
    }


def agreement(config: TrainingConfig, identity: ModelIdentity) -> dict[str, str]:
    """Return the settings that are compared when both sides meet."""
    return shared_settings(config, identity) | {"threads": str(config.threads)}


def trunk_settings(config: TrainingConfig, identity: ModelIdentity) -> dict[str, str]:
    """Return what the rest of a run depends on at the trunk: beside what both share, what it computes with."""
    return shared_settings(config, identity) | {"trunk threads": str(config.threads), "trunk device": config.device}


def first_difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Describe the first setting that differs, with both values; empty when all agree."""
    for name in [*ours, *(extra for extra in theirs if extra not in ours)]:
        if ours.get(name) != theirs.get(name):
            return (
                f"{name} is {theirs.get(name, 'not given')} at the client and {ours.get(name, 'unknown')} at the trunk"
            )
    return ""
