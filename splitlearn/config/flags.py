"""The user's settings: each is a key of `--config FILE`, an environment variable, and a flag.

A variable overrides the file, a flag overrides both.
"""

import argparse
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic.fields import FieldInfo

from splitlearn.config.environment import settings_of_environment, variable_of
from splitlearn.config.renamed import OLD_NAMES, with_new_names
from splitlearn.config.training import GROUPS, TrainingConfig
from splitlearn.errors import ConfigError

__all__ = ["GivenSettings", "add_config_flags", "config_from_flags", "given_settings"]


@dataclass(frozen=True)
class GivenSettings:
    """The user's settings.

    Attributes:
        values: by setting.
        variables: settings that come from the environment, with the name of their variable.
    """

    values: Mapping[str, object]
    variables: Mapping[str, str]

    def over(self, known: Mapping[str, object]) -> TrainingConfig:
        """Build the config from these settings, with `known` ones as defaults; raises `ConfigError`."""
        return TrainingConfig.parse({**known, **self.values}, self.variables)


def add_config_flags(parser: argparse.ArgumentParser, names: Collection[str] = ()) -> None:
    """Add `--config FILE` and a flag for each field of `TrainingConfig`, or for those of the given names."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="JSON file of settings; variables SPLITLEARN_SETTING override it, and flags override both",
    )
    assert TrainingConfig.model_fields.keys() >= set(names)
    for group in GROUPS:
        fields = {name: field for name, field in group.model_fields.items() if not names or name in names}
        if fields:
            assert group.__doc__
            section = parser.add_argument_group(group.__doc__.rstrip(".").lower())
            for name, field in fields.items():
                _add_flag(section, name, field)
    for old, new in OLD_NAMES.items():
        if not names or new in names:
            parser.add_argument(flag_of(old), dest=f"config_{old}", help=argparse.SUPPRESS)


def flag_of(name: str) -> str:
    """Return the flag of a setting."""
    return "--" + name.replace("_", "-")


def _add_flag(group: "argparse._ArgumentGroup", name: str, field: FieldInfo) -> None:
    choices = getattr(field.annotation, "__args__", ()) if "Literal" in str(field.annotation) else ()
    shown = "|".join(map(str, choices)) or name.rpartition("_")[2].upper()
    default = field.default if field.default not in ("", None) else "none"
    text = f"{field.description} (default: {default})".replace("%", "%%")
    group.add_argument(flag_of(name), dest=f"config_{name}", metavar=shown, help=text)


def given_settings(flags: argparse.Namespace) -> GivenSettings:
    """Read the file of `--config`, the environment and the parsed flags; raises `ConfigError`."""
    # A setting that the file omits is not a request for the default.
    file = TrainingConfig.load(flags.config).model_dump(exclude_unset=True) if flags.config else {}
    environment = settings_of_environment()
    read = {name: getattr(flags, f"config_{name}", None) for name in (*TrainingConfig.model_fields, *OLD_NAMES)}
    try:
        # argparse drops a value that is two dashes, and leaves an empty list.
        written = {name: "--" if value == [] else value for name, value in read.items() if value is not None}
        given = with_new_names(written, flag_of)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    variables = {name: variable_of(name) for name in environment if name not in given}
    return GivenSettings({**file, **environment, **given}, variables)


def config_from_flags(flags: argparse.Namespace) -> TrainingConfig:
    """Build the config from the user's settings and defaults; raises `ConfigError`."""
    return given_settings(flags).over({})
