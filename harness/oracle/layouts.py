"""Where the models of a family keep what, as the judge itself defines it; by the configuration's `model_type`.

A family from another distribution has no definition here: its own layout is read instead.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from splitlearn.cuts import Cuts
from splitlearn.registry import LAYOUTS as SYSTEM

__all__ = ["UncutLayout", "depth_of", "layout_of", "part_of", "token_embedding", "turn_of"]


@dataclass(frozen=True)
class UncutLayout:
    """Modules of the uncut model, by their paths.

    Attributes:
        embeddings: before the first block; first that of the tokens.
        blocks: the list of blocks.
        norm: after the last block.
        head: after the norm.
        backward: modules of a block in the order of the backward pass.
        dropouts: names of the dropout rates in the configuration.
    """

    embeddings: tuple[str, ...]
    blocks: str
    norm: str
    head: str
    backward: tuple[str, ...]
    dropouts: tuple[str, ...]

    def block(self, parameter: str) -> int | None:
        """Return the block of a parameter; None if it is in no block."""
        if not parameter.startswith(f"{self.blocks}."):
            return None
        return int(parameter.removeprefix(f"{self.blocks}.").partition(".")[0])

    def has(self, parameter: str) -> bool:
        """Return whether a parameter may be of a model of this family."""
        return parameter.startswith(tuple(f"{path}." for path in (*self.embeddings, self.blocks, self.norm, self.head)))


LAYOUTS: Mapping[str, UncutLayout] = {
    "gpt2": UncutLayout(
        embeddings=("transformer.wte", "transformer.wpe"),
        blocks="transformer.h",
        norm="transformer.ln_f",
        head="lm_head",
        backward=("mlp.c_proj", "mlp.c_fc", "ln_2", "attn.c_proj", "attn.c_attn", "ln_1"),
        dropouts=("embd_pdrop", "attn_pdrop", "resid_pdrop"),
    ),
}


@cache
def layout_of(model_type: str) -> UncutLayout:
    """Return the layout of a family; raises `KeyError` if it is unknown."""
    if model_type in LAYOUTS:
        return LAYOUTS[model_type]
    system = SYSTEM[model_type]
    return UncutLayout(
        (system.tied[1], *system.bottom), system.blocks, system.top[0], system.top[-1], (), system.dropouts
    )


def part_of(parameter: str, cuts: Cuts) -> str:
    """Return which of bottom, trunk and top a parameter belongs to; the top, if no family has it."""
    layout = _having(parameter)
    block = layout.block(parameter) if layout else None
    if block is not None:
        return "bottom" if block < cuts.lower else "trunk" if block < cuts.upper else "top"
    return "bottom" if _is_embedding(parameter) else "top"


def depth_of(parameter: str) -> int:
    """Return how late in the forward pass a parameter is used; gradients come in the opposite order."""
    layout = _having(parameter)
    block = layout.block(parameter) if layout else None
    return block if block is not None else -1 if _is_embedding(parameter) else sys.maxsize


def turn_of(parameter: str) -> int:
    """Return when a parameter's gradient comes within a block's backward pass; the head's before the norm's."""
    layout = _having(parameter)
    if layout is None:
        return 0
    turns = (turn for turn, module in enumerate(layout.backward) if f".{module}." in parameter)
    return next(turns, -1 if parameter.startswith(f"{layout.head}.") else 0)


def token_embedding(parameters: Iterable[str]) -> str:
    """Return the name of the token embedding's weight among a model's parameters."""
    return next(name for name in parameters if (layout := _having(name)) and name == f"{layout.embeddings[0]}.weight")


def _is_embedding(parameter: str) -> bool:
    layout = _having(parameter)
    return layout is not None and parameter.startswith(tuple(f"{path}." for path in layout.embeddings))


@cache
def _having(parameter: str) -> UncutLayout | None:
    """Return the layout of the first family whose models may have a parameter."""
    families = dict.fromkeys([*LAYOUTS, *SYSTEM])
    return next((layout for layout in map(layout_of, families) if layout.has(parameter)), None)
