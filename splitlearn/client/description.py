"""Writes a run's settings (`splitlearn.json`) and a folder with its tokenizer beside its checkpoints."""

from pathlib import Path

from splitlearn.config import TrainingConfig
from splitlearn.config.security import SecuritySettings
from splitlearn.data import Tokenizer
from splitlearn.described import SETTINGS
from splitlearn.runtime import Disk
from splitlearn.runtime.durable import PARTIAL, make_folder, write_atomically

__all__ = ["describe_run"]


def describe_run(disk: Disk, folder: Path, config: TrainingConfig, tokenizer: Tokenizer) -> None:
    """Write a run's settings and tokenizer; raises `OSError`, and `DataError` without room for temporary files."""
    make_folder(disk, folder)
    name = f"tokenizer-{tokenizer.recipe()[:16]}"
    if not disk.exists(folder / name):
        _write_tokenizer(disk, folder / name, tokenizer)
    # A reader may start in another folder.
    model = str(Path(config.model).resolve()) if Path(config.model).is_dir() else config.model
    data = str(Path(config.data).expanduser().resolve()) if config.data else ""
    files = {name: getattr(config, name) for name in SecuritySettings.model_fields}
    secrets = {name: path.expanduser().resolve() for name, path in files.items() if path is not None}
    values = config.but(model=model, data=data, tokenizer=name, **secrets).model_dump_json(indent=2)
    write_atomically(disk, folder / SETTINGS, values.encode() + b"\n")
    for other in disk.names(folder):
        if "tokenizer-" in other and other != name:  # including what a crashed process left here
            disk.remove_folder(folder / other)
    disk.sync_folder(folder)


def _write_tokenizer(disk: Disk, place: Path, tokenizer: Tokenizer) -> None:
    """Write the files under temporary names, and rename them when all of them are on disk."""
    files = tokenizer.files()
    unfinished = place.with_name(place.name + PARTIAL)
    disk.make_folder(unfinished)
    try:
        for name, data in files.items():
            disk.write(unfinished / name, data)
        disk.sync_folder(unfinished)
        disk.rename(unfinished, place)
    except OSError:
        disk.remove_folder(unfinished)
        raise
