"""The configuration of a run: settings in groups, flags, and what each setting means to the other side."""

from splitlearn.config.flags import GivenSettings, add_config_flags, config_from_flags, given_settings
from splitlearn.config.scope import Scope
from splitlearn.config.training import TrainingConfig, names_of
from splitlearn.config.wire import HIGHEST_PORT

__all__ = [
    "HIGHEST_PORT",
    "GivenSettings",
    "Scope",
    "TrainingConfig",
    "add_config_flags",
    "config_from_flags",
    "given_settings",
    "names_of",
]
