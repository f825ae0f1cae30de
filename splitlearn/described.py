"""A run's settings in a folder, so that readers of the model need not repeat them.

`splitlearn.json` holds settings, and names a folder beside it with the tokenizer.
"""

import json
from pathlib import Path

from splitlearn.config import Scope, TrainingConfig, names_of
from splitlearn.errors import ConfigError

__all__ = ["SETTINGS", "describe_export", "settings_of_export", "settings_of_run"]

SETTINGS = "splitlearn.json"
# Settings with which training of an exported model continues by default; sizes and dropout rates are among the model's
# own settings. Length, text and addresses are up to the next run.
EXPORTED = names_of(Scope.BOTH, Scope.KEPT)


def settings_of_run(folder: Path) -> dict[str, object]:
    """Return the settings that a run kept with its checkpoints; empty if there is no such file.

    Raises:
        ConfigError: the file is damaged.
    """
    path = folder / SETTINGS
    if not path.exists():
        return {}
    config = TrainingConfig.load(path)
    return config.but(tokenizer=str(folder / config.tokenizer)).model_dump()


def describe_export(folder: Path, config: TrainingConfig) -> None:
    """Write a model's training settings beside its weights; raises `OSError`."""
    values = config.model_dump(mode="json", include=set(EXPORTED))
    (folder / SETTINGS).write_text(json.dumps(values, indent=2) + "\n")


def settings_of_export(folder: Path) -> dict[str, object]:
    """Return the settings for a run that starts from the weights of an export.

    Raises:
        ConfigError: the folder was not written by `splitlearn export`.
    """
    path = folder / SETTINGS
    try:
        values = json.loads(path.read_bytes())
        return {**{name: values[name] for name in EXPORTED}, "model": str(folder), "tokenizer": str(folder)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"init_from = {folder}: {path.name} cannot be read ({error}); give a folder that `splitlearn export` "
            "wrote, or use --model for any other"
        ) from None
