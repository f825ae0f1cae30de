"""The settings of a run: those that differ from the defaults, and the rest."""

from collections.abc import Mapping
from dataclasses import dataclass

from splitlearn.config import TrainingConfig

__all__ = ["Setting", "Settings", "sort_settings"]


@dataclass(frozen=True)
class Setting:
    """One field of the configuration."""

    name: str
    value: object
    default: object
    meaning: str


@dataclass(frozen=True)
class Settings:
    """The fields of a configuration, each in the order of the configuration."""

    changed: tuple[Setting, ...]
    defaults: tuple[Setting, ...]


def sort_settings(config: Mapping[str, object]) -> Settings:
    """Split the settings into changed and default ones; unknown ones count as changed."""
    defaults = TrainingConfig.model_construct().model_dump(mode="json")
    fields = TrainingConfig.model_fields
    settings = [
        Setting(name, value, defaults.get(name), fields[name].description or "" if name in fields else "")
        for name, value in config.items()
    ]
    return Settings(
        changed=tuple(setting for setting in settings if _differs(setting, defaults)),
        defaults=tuple(setting for setting in settings if not _differs(setting, defaults)),
    )


def _differs(setting: Setting, defaults: Mapping[str, object]) -> bool:
    return setting.name not in defaults or setting.value != setting.default
