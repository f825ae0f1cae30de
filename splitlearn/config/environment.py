"""Settings in environment variables: `SPLITLEARN_LEARNING_RATE=1e-3` means the same as `--learning-rate 1e-3`.

Only the commands read them. An unknown variable causes a warning, not a refusal: an orchestrator sets some of its own
for a service of this name, such as Kubernetes' `SPLITLEARN_SERVICE_HOST`.
"""

import logging
import os
from collections.abc import Mapping
from difflib import get_close_matches

from splitlearn.config.renamed import OLD_NAMES
from splitlearn.config.training import TrainingConfig

__all__ = ["settings_of_environment", "variable_of", "without_settings"]

log = logging.getLogger(__name__)

PREFIX = "SPLITLEARN_"


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def settings_of_environment() -> dict[str, object]:
    """Return the settings in the environment, as text; an empty variable counts as unset.

    Unknown variables with the prefix are named in the log, with the nearest setting.
    """
    if not any(_is_ours(variable) for variable in os.environ):
        return {}
    from pydantic_settings import (  # noqa: PLC0415 - slow, and seldom needed
        BaseSettings,
        EnvSettingsSource,
        SettingsConfigDict,
    )

    class Environment(BaseSettings, TrainingConfig):
        """The same fields, for the library to read."""

        model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, enable_decoding=False)

    _warn_of_strangers()
    return EnvSettingsSource(Environment)()


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for programs that must take their settings from files and flags alone."""
    return {variable: value for variable, value in environment.items() if not _is_ours(variable)}


def _is_ours(variable: str) -> bool:
    return variable.upper().startswith(PREFIX)


def _warn_of_strangers() -> None:
    names = TrainingConfig.model_fields
    for variable in filter(_is_ours, sorted(os.environ)):
        name = variable[len(PREFIX) :].lower()
        if name not in names:
            nearest = get_close_matches(name, [*names, *OLD_NAMES], n=1)
            hint = f"; did you mean {variable_of(OLD_NAMES.get(nearest[0], nearest[0]))}?" if nearest else ""
            log.warning("%s: there is no such setting, so this variable does nothing%s", variable, hint)
