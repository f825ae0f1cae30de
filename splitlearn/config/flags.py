"""Settings on the command line: every field of the configuration is a flag, and a key of `--config FILE`."""

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic.fields import FieldInfo

from splitlearn.config.training import GROUPS, TrainingConfig

__all__ = ["add_config_flags", "config_from_flags"]


def add_config_flags(parser: argparse.ArgumentParser, names: Collection[str] = ()) -> None:
    """Add `--config FILE` and a flag for each field of `TrainingConfig`, or for those of the given names."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON file of settings; flags override it")
    assert TrainingConfig.model_fields.keys() >= set(names)
    for group in GROUPS:
        fields = {name: field for name, field in group.model_fields.items() if not names or name in names}
        if fields:
            assert group.__doc__
            section = parser.add_argument_group(group.__doc__.rstrip(".").lower())
            for name, field in fields.items():
                _add_flag(section, name, field)


def _add_flag(group: "argparse._ArgumentGroup", name: str, field: FieldInfo) -> None:
    choices = getattr(field.annotation, "__args__", ()) if "Literal" in str(field.annotation) else ()
    shown = "|".join(map(str, choices)) or name.rpartition("_")[2].upper()
    default = field.default if field.default not in ("", None) else "none"
    text = f"{field.description} (default: {default})".replace("%", "%%")
    group.add_argument("--" + name.replace("_", "-"), dest=f"config_{name}", metavar=shown, help=text)


def config_from_flags(flags: argparse.Namespace, known: Mapping[str, object] | None = None) -> TrainingConfig:
    """Build the config from parsed flags over the values of `--config`, over what is known; raises `ConfigError`."""
    # What the file does not say is not a wish for the default.
    file = TrainingConfig.load(flags.config).model_dump(exclude_unset=True) if flags.config else {}
    base = {**(known or {}), **file}
    given = {name: getattr(flags, f"config_{name}", None) for name in TrainingConfig.model_fields}
    return TrainingConfig.parse({**base, **{name: value for name, value in given.items() if value is not None}})
