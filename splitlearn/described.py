"""What a run says of itself in a folder, so that whoever reads the model need not say it again.

`splitlearn.json` holds settings, and names a folder beside it with the tokenizer.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

from splitlearn.config import Scope, TrainingConfig, names_of
from splitlearn.config.security import SecuritySettings
from splitlearn.data import Tokenizer
from splitlearn.errors import ConfigError
from splitlearn.files import make_folder, sync_folder, write_atomically

__all__ = ["SETTINGS", "describe_export", "describe_run", "settings_of_export", "settings_of_run"]

SETTINGS = "splitlearn.json"
# What a model that was exported is trained on with, if nothing else is asked for; sizes and dropout rates are among the
# model's own settings. How long, on which text and where is the next run's business.
EXPORTED = names_of(Scope.BOTH, Scope.KEPT)


def describe_run(folder: Path, config: TrainingConfig, tokenizer: Tokenizer) -> None:
    """Write a run's settings and tokenizer into the folder of its checkpoints; raises `OSError`."""
    make_folder(folder)
    name = f"tokenizer-{tokenizer.recipe()[:16]}"
    if not (folder / name).exists():
        with tempfile.TemporaryDirectory(prefix=".tokenizer-", dir=folder) as scratch:
            unfinished = Path(scratch) / name
            tokenizer.save(unfinished)
            for file in unfinished.iterdir():
                with file.open("rb") as written:
                    os.fsync(written.fileno())
            unfinished.rename(folder / name)
    # Whoever reads may start in another folder.
    model = str(Path(config.model).resolve()) if Path(config.model).is_dir() else config.model
    data = str(Path(config.data).expanduser().resolve()) if config.data else ""
    files = {name: getattr(config, name) for name in SecuritySettings.model_fields}
    secrets = {name: path.expanduser().resolve() for name, path in files.items() if path is not None}
    values = config.but(model=model, data=data, tokenizer=name, **secrets).model_dump_json(indent=2)
    write_atomically(folder / SETTINGS, values.encode() + b"\n")
    for other in folder.glob("*tokenizer-*"):  # also what a process that died here has left
        if other.name != name:
            shutil.rmtree(other)
    sync_folder(folder)


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
