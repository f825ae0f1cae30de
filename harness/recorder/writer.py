"""Writes one part of a recording: one digest per line, chosen steps' tensors, and finally the final state."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from harness.errors import UnusableError
from harness.recorder.digest import digest, plain
from harness.recorder.format import DIGESTS, FINAL, FORMAT, METADATA, TENSOR, VERSION, Entry, Metadata, whole_file

__all__ = ["PartWriter"]


class PartWriter:
    """Writes one part.

    Args:
        folder: the part's; created if missing. Raises `UnusableError` if it already holds a part.
        party: the writer's name.
        record_steps: steps whose tensors are kept whole.
    """

    def __init__(self, folder: Path, party: str, record_steps: Iterable[int]) -> None:
        if (folder / METADATA).exists():
            raise UnusableError(f"{folder} holds a recording already; remove it, or record into another folder")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._metadata = Metadata(
            format=FORMAT,
            version=VERSION,
            party=party,
            record_steps=sorted(set(record_steps)),
            torch=torch.__version__,
            complete=False,
            final=False,
        )
        self._entries = 0
        self._step = -1
        self._files_of_step: set[Path] = set()
        self._describe()
        (folder / DIGESTS).touch()

    def write(self, step: int, microbatch: int | None, name: str, tensor: torch.Tensor) -> None:
        """Append a tensor's digest, and keep the tensor whole if its step was chosen.

        Raises `UnusableError` if the name is invalid, or the step already has a tensor of that name.
        """
        if self._metadata.complete:
            raise UnusableError(f"{name} of step {step} came after the recording was closed")
        try:
            entry = Entry(step=step, microbatch=microbatch, tensor=name, sha256=digest(tensor))
        except ValidationError as error:
            raise UnusableError(f"{name!r} of step {step} cannot be recorded: {error.errors()[0]['msg']}") from None
        file = whole_file(step, microbatch, name)
        if step != self._step:
            self._step, self._files_of_step = step, set()
        if file in self._files_of_step:
            where = "" if microbatch is None else f" in microbatch {microbatch}"
            raise UnusableError(
                f"{name} of step {step} is recorded twice{where}; give each microbatch its number, and each tensor a "
                "name of its own"
            )
        self._files_of_step.add(file)
        self._entries += 1
        # Reopened for each line, so that a failing loop leaves no file open.
        with (self._folder / DIGESTS).open("a", encoding="utf-8") as lines:
            lines.write(entry.model_dump_json() + "\n")
        if step in self._metadata.record_steps:
            path = self._folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({TENSOR: plain(tensor)}, path)

    def close(self, final: Mapping[str, torch.Tensor] | None) -> None:
        """Write the final state, if any, and mark the part as complete."""
        if final is not None:
            # Copies, because the library refuses tensors that share memory.
            save_file({name: plain(tensor).clone() for name, tensor in final.items()}, self._folder / FINAL)
        end = {"complete": True, "entries": self._entries, "final": final is not None}
        self._metadata = self._metadata.model_copy(update=end)
        self._describe()

    def _describe(self) -> None:
        (self._folder / METADATA).write_text(self._metadata.model_dump_json(indent=2) + "\n", encoding="utf-8")
