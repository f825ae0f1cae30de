"""What a simulated training computes with: model and data, loaded once and copied for every process."""

from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache

from splitlearn.config import TrainingConfig
from splitlearn.data import TrainingData, load_training_data
from splitlearn.models import FAMILY
from splitlearn.models.family import ClientStage, ModelIdentity, TrunkStage
from splitlearn.trunk.activations import Activations

__all__ = ["Parts", "load_parts"]


@dataclass(frozen=True)
class Parts:
    """A model and its data.

    Attributes:
        client: the client's part, with its initial weights.
        trunk: the trunk's.
        identity: of the model.
        data: to train on.
    """

    client: ClientStage
    trunk: TrunkStage
    identity: ModelIdentity
    data: TrainingData
    _activations: dict[str, Activations] = field(default_factory=dict, compare=False)

    def new_client(self) -> ClientStage:
        """Return a copy of the client's part."""
        return deepcopy(self.client)

    def new_trunk(self) -> TrunkStage:
        """Return a copy of the trunk's part."""
        return deepcopy(self.trunk)

    def activations_of(self, config: TrainingConfig) -> Activations:
        """Return a trunk's limit on memory; measuring a shape takes longer than a step, so all lives share it."""
        return self._activations.setdefault(config.model_dump_json(), Activations(config, self.identity.positions))


def load_parts(config: TrainingConfig) -> Parts:
    """Load what a configuration names; the same once for all processes of the same settings."""
    return _load(config.model_dump_json())


@cache
def _load(text: str) -> Parts:
    config = TrainingConfig.model_validate_json(text)
    client, identity = FAMILY.load_client(config)
    return Parts(client, FAMILY.load_trunk(config)[0], identity, load_training_data(config))
