"""Bugs in code that system and reference share; they are also planted in the reference's process."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import CODED, DIRECT, EPOCHS, HALVED, SHORT_LINES
from splitlearn import determinism
from splitlearn.codecs.fp16 import Fp16Codec
from splitlearn.codecs.zlib import ZlibCodec
from splitlearn.config import TrainingConfig
from splitlearn.data import Microbatch, dataset, loading
from splitlearn.data.order import EpochOrder
from splitlearn.data.sequences import line_rows
from splitlearn.data.stored import TokenRow
from splitlearn.models import sources

__all__: list[str] = []


@mutant("classic: shuffle with a fixed seed", "shared", EPOCHS, Cause.INPUT, since=4)
def read_every_epoch_in_the_same_order() -> None:
    """The order of the sequences does not depend on the epoch."""

    @instead(EpochOrder, "of")
    def of(right: Right, self: EpochOrder, _epoch: int) -> torch.Tensor:
        order_N: torch.Tensor = right(self, 0)
        return order_N


@mutant("classic: shuffle=False", "shared", DIRECT, Cause.INPUT)
def do_not_shuffle() -> None:
    """The sequences are read in the order of the file."""

    @instead(EpochOrder, "of")
    def of(right: Right, self: EpochOrder, epoch: int) -> torch.Tensor:
        order_N: torch.Tensor = right(self, epoch)
        return order_N.sort().values


@mutant("classic: one generator for all stages", "shared", DIRECT, Cause.RANDOMNESS)
def seed_every_stage_alike() -> None:
    """The rule of random numbers does not depend on the stage."""

    @instead(determinism, "stage_seed")
    def seed(right: Right, number: int, step: int, microbatch: int, _stage: str) -> int:
        return int(right(number, step, microbatch, "bottom"))


@mutant("classic: a table with a wrong row", "shared", DIRECT, Cause.ARITHMETIC)
def build_a_preset_with_half_of_its_heads() -> None:
    """A preset's model has half as many attention heads."""

    @instead(sources, "preset_settings")
    def settings(right: Right, config: TrainingConfig) -> dict[str, object]:
        right_ones = right(config)
        return {**right_ones, "n_head": right_ones["n_head"] // 2}


@mutant("classic: truncation instead of rounding", "shared", HALVED, Cause.ROUNDED)
def let_fp16_round_towards_zero() -> None:
    """The codec fp16 truncates."""

    @instead(Fp16Codec, "encode")
    def encode(right: Right, self: Fp16Codec, tensor: torch.Tensor) -> object:
        near = tensor.half()
        away = near.float().abs() > tensor.abs()
        down = torch.where(away, (near.view(torch.int16) - 1).view(torch.float16), near)
        return right(self, down.float())


@mutant("classic: a compression that loses what is small", "shared", CODED, Cause.ROUNDED)
def let_a_lossless_codec_drop_what_is_small() -> None:
    """The codec zlib sets elements below 1e-4 to zero."""

    @instead(ZlibCodec, "encode")
    def encode(right: Right, self: ZlibCodec, tensor: torch.Tensor) -> object:
        return right(self, torch.where(tensor.abs() < 1e-4, torch.zeros(()), tensor))


@mutant("classic: padding with the wrong value", "shared", DIRECT, Cause.LABELS)
def leave_padding_out_of_the_mask_and_not_of_the_labels() -> None:
    """Labels of padding are counted as targets."""

    @instead(dataset, "pad_to_microbatch")
    def pad(right: Right, sequences: object) -> Microbatch:
        batch: Microbatch = right(sequences)
        return Microbatch(batch.input_ids_BT, batch.attention_mask_BT, batch.input_ids_BT)


@mutant("classic: a separator that is forgotten", "shared", DIRECT, Cause.INPUT)
def forget_the_end_of_text() -> None:
    """Lines have no end-of-text token."""

    def rows(*arguments: Any) -> Iterator[TokenRow]:  # noqa: ANN401 - of any reader of rows
        for row in line_rows(*arguments):
            yield row._replace(ids=row.ids[:-1])

    make_rows_by(rows)


@mutant("classic: an upper bound that is exclusive", "shared", SHORT_LINES, Cause.INPUT)
def cut_lines_a_token_early() -> None:
    """A line is truncated to a token less than a sequence may have."""

    def rows(documents: Any, tokenizer: Any, max_length: int, advance: Any) -> Iterator[TokenRow]:  # noqa: ANN401 - as above
        return line_rows(documents, tokenizer, max_length - 1, advance)

    make_rows_by(rows)


def make_rows_by(rows: Callable[..., Iterator[TokenRow]]) -> None:
    """Replace the reader of lines; a separate recipe keeps its sequences out of the cache of correct ones."""
    vars(loading)["ROWS"] = {"lines": rows}
    vars(loading)["RECIPE"] = f"of the mutant {rows.__qualname__}"
