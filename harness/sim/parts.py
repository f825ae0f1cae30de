"""The model and the data of a simulated training: loaded once, and the model copied for every process."""

from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from torch import nn

from splitlearn.config import TrainingConfig
from splitlearn.data import TrainingData, load_training_data
from splitlearn.models import FAMILY
from splitlearn.models.family import ClientStage, ModelIdentity, TrunkStage
from splitlearn.trunk.activations import Activations

__all__ = ["Parts", "load_parts"]


Stage = TypeVar("Stage", bound=nn.Module)


@dataclass(frozen=True)
class Parts:
    """A model and its data.

    Attributes:
        client: the client's stage, with the initial weights.
        trunk: the trunk's stage, with the initial weights.
        identity: the model's identity.
        data: the training data.
    """

    client: ClientStage
    trunk: TrunkStage
    identity: ModelIdentity
    data: TrainingData
    _activations: dict[str, Activations] = field(default_factory=dict, compare=False)

    def new_client(self) -> ClientStage:
        """Return a copy of the client's stage."""
        return _copy(self.client)

    def new_trunk(self) -> TrunkStage:
        """Return a copy of the trunk's stage."""
        return _copy(self.trunk)

    def activations_of(self, config: TrainingConfig) -> Activations:
        """Return the trunk's activation accounting; cached, because measuring a shape takes longer than a step."""
        return self._activations.setdefault(config.model_dump_json(), Activations(config, self.identity.positions))


def _copy(stage: Stage) -> Stage:
    """Return a copy of a stage that shares its blocks' configuration, which nothing changes and is slow to copy."""
    shared = [module.config for module in stage.modules() if hasattr(module, "config")]
    return deepcopy(stage, {id(each): each for each in shared})


def load_parts(config: TrainingConfig) -> Parts:
    """Load the model and the data of a configuration; cached, so equal configurations share one object."""
    return _load(config.model_dump_json())


@cache
def _load(text: str) -> Parts:
    config = TrainingConfig.model_validate_json(text)
    client, identity = FAMILY.load_client(config)
    return Parts(client, FAMILY.load_trunk(config)[0], identity, load_training_data(config))
