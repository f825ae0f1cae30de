"""What a run says of itself in a folder, so that whoever reads the model need not say it again.

`splitlearn.json` holds settings, and names a folder beside it with the tokenizer.
"""

import json
from pathlib import Path

from splitlearn.config import Scope, TrainingConfig, names_of
from splitlearn.errors import ConfigError

__all__ = ["SETTINGS", "describe_export", "settings_of_export", "settings_of_run"]

SETTINGS = "splitlearn.json"
# What a model that was exported is trained on with, if nothing else is asked for; sizes and dropout rates are among the
# model's own settings. How long, on which text and where is the next run's business.
EXPORTED = names_of(Scope.BOTH, Scope.KEPT)


def settings_of_run(folder: Path) -> dict[str, object]:
    """Return the settings that a run has left with its checkpoints; none where there is no such file.

    Raises:
        ConfigError: the file is damaged.
    """
    path = folder / SETTINGS
    if not path.exists():
        return {}
    config = TrainingConfig.load(path)
    return config.but(tokenizer=str(folder / config.tokenizer)).model_dump()


def describe_export(folder: Path, config: TrainingConfig) -> None:
    """Write what a model was trained with beside its weights; raises `OSError`."""
    values = config.model_dump(mode="json", include=set(EXPORTED))
    (folder / SETTINGS).write_text(json.dumps(values, indent=2) + "\n")


def settings_of_export(folder: Path) -> dict[str, object]:
    """Return the settings of a run that starts from the weights of an export.

    Raises:
        ConfigError: the folder is none that `splitlearn export` wrote.
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
