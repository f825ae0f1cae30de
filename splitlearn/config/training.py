"""The one configuration of a run, shared by client, trunk and judge: all groups of settings in one flat value."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from pydantic import ValidationError, model_validator

from splitlearn.config.compute import MOST_IN_FLIGHT, ComputeSettings
from splitlearn.config.data import DataSettings
from splitlearn.config.group import SettingsGroup
from splitlearn.config.limits import LimitSettings
from splitlearn.config.model import ModelSettings
from splitlearn.config.optimizer import OptimizerSettings
from splitlearn.config.renamed import with_new_names
from splitlearn.config.saving import SavingSettings
from splitlearn.config.scope import Scope, scope_of
from splitlearn.config.security import SecuritySettings
from splitlearn.config.wire import WireSettings
from splitlearn.errors import ConfigError

__all__ = ["GROUPS", "TrainingConfig", "names_of"]


# The fields of the last base come first, in JSON as in `--help`.
class TrainingConfig(
    LimitSettings,
    SecuritySettings,
    WireSettings,
    SavingSettings,
    DataSettings,
    OptimizerSettings,
    ComputeSettings,
    ModelSettings,
):
    """Every setting of a split training run; frozen, converts to and from JSON.

    Args:
        **values: one value per field; `TrainingConfig.load` and `config_from_flags` give better messages.

    Raises:
        ConfigError: from `load`, `parse` and `config_from_flags`; names field, value and what is allowed.
    """

    @model_validator(mode="before")
    @classmethod
    def _take_old_names(cls, values: Any) -> Any:  # noqa: ANN401 - whatever stands in a file
        return with_new_names(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _check_warmup(self) -> Self:
        if self.use_scheduler and self.max_steps and self.warmup_steps > self.max_steps:
            raise ValueError(f"warmup_steps = {self.warmup_steps}: at most max_steps ({self.max_steps})")
        return self

    @model_validator(mode="after")
    def _check_in_flight(self) -> Self:
        if self.schedule == "afab" and self.gradient_accumulation_steps > MOST_IN_FLIGHT:
            raise ValueError(
                f"gradient_accumulation_steps = {self.gradient_accumulation_steps}: at most {MOST_IN_FLIGHT} can be in "
                "flight at once; set schedule to 1f1b, which sends a few at a time"
            )
        return self

    @classmethod
    def parse(cls, values: Mapping[str, object], called: Mapping[str, str] = MappingProxyType({})) -> Self:
        """Build a config from plain or textual values; raises `ConfigError` naming each bad field.

        Args:
            values: by setting.
            called: what messages call some settings, instead of their names.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError("\n".join(_explain(problem, called) for problem in error.errors())) from None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a config from a JSON file written by `save`."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"cannot read the config {path}: {error.strerror}") from None
        except ValidationError as error:
            raise ConfigError(f"{path}: " + "\n".join(_explain(p, {}) for p in error.errors())) from None

    def save(self, path: Path) -> None:
        """Write the config as JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n")

    def but(self, **changes: object) -> Self:
        """Return a validated copy with some fields changed."""
        return self.parse({**self.model_dump(), **with_new_names(changes)})


GROUPS = tuple(base for base in reversed(TrainingConfig.__bases__) if issubclass(base, SettingsGroup))


@cache
def names_of(*scopes: Scope) -> tuple[str, ...]:
    """Return the settings that have one of these scopes, in the order of the configuration."""
    return tuple(name for name, field in TrainingConfig.model_fields.items() if scope_of(field) in scopes)


def _explain(problem: Any, called: Mapping[str, str]) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    where = ".".join(called.get(part, str(part)) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not where:  # of several settings together
        message += "".join(f"; {name} comes from {other}" for name, other in called.items() if name in message)
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no such setting; see --help for the list"
    return f"{where} = {problem['input']!r}: {message}" if where else message
