"""A folder with a model cut in three: `bottom`, `trunk` and `top` as safetensors, and a manifest."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from splitlearn.errors import ModelError
from splitlearn.models.family import fingerprint

__all__ = ["MANIFEST", "PART_NAMES", "Part", "PartsManifest", "read_part", "write_parts"]

MANIFEST = "split.json"
Part = Literal["bottom", "trunk", "top"]
PART_NAMES: tuple[Part, ...] = ("bottom", "trunk", "top")


@dataclass(frozen=True)
class PartsManifest:
    """The manifest of a parts folder.

    Attributes:
        family: model family.
        cuts: as `lower:upper`.
        fingerprints: digest of each part's weights, by part name.
    """

    family: str
    cuts: str
    fingerprints: Mapping[Part, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest; raises `ModelError` if it is missing or damaged."""
        path = folder / MANIFEST
        try:
            values = json.loads(path.read_text())
            fingerprints = {name: str(values["fingerprints"][name]) for name in PART_NAMES}
            return cls(family=values["family"], cuts=values["cuts"], fingerprints=fingerprints)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is no readable split manifest ({error}); run `splitlearn split` again") from None


def write_parts(folder: Path, family: str, cuts: str, parts: Mapping[Part, Mapping[str, torch.Tensor]]) -> None:
    """Write the three parts, then the manifest that makes the folder valid."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    for name in PART_NAMES:
        tensors = {key: tensor.detach().contiguous() for key, tensor in parts[name].items()}
        path = folder / f"{name}.safetensors"
        try:
            save_file(tensors, path, {"family": family, "cuts": cuts, "part": name})
        except SafetensorError as error:  # how the library reports a full disk
            raise OSError(f"{path} could not be written: {error}; make room, or choose another folder") from None
    digests = {name: fingerprint(parts[name]) for name in PART_NAMES}
    manifest = PartsManifest(family, cuts, digests)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")


def read_part(folder: Path, name: Part, manifest: PartsManifest) -> dict[str, torch.Tensor]:
    """Read one part; raises `ModelError` if it is missing, torn, or not the one named in the manifest."""
    path = folder / f"{name}.safetensors"
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {path} ({error}); run `splitlearn split` again") from None
    if fingerprint(tensors) != manifest.fingerprints.get(name):
        raise ModelError(f"{path} does not match {folder / MANIFEST}; run `splitlearn split` again")
    return tensors
