"""Wrong forward passes: attention, dropout, arithmetic."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, NO_DROPOUT, SCALED, SMALL_TAPE
from splitlearn import determinism
from splitlearn.client.step import TrainingStep
from splitlearn.config import TrainingConfig
from splitlearn.data import StepBatch
from splitlearn.layouts import gpt2
from splitlearn.layouts.gpt2 import Gpt2Layout
from splitlearn.models.stages import CutTrunkStage
from splitlearn.trunk import session
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.tape import TapeEntry
from splitlearn.wire.trunk_link import Commit, Position

__all__: list[str] = []


@mutant("classic: the mask does not travel to the server", "trunk", DIRECT, Cause.ATTENTION)
def drop_the_attention_mask_at_the_trunk() -> None:
    """The trunk takes padding for tokens."""

    @instead(TrunkSession, "forward")
    def forward(
        right: Right, self: TrunkSession, at: Position, smashed_BTH: torch.Tensor, mask_BT: torch.Tensor, commit: Commit
    ) -> torch.Tensor:
        features_BTH: torch.Tensor = right(self, at, smashed_BTH, torch.ones_like(mask_BT), commit)
        return features_BTH


@mutant("classic: a block called by itself keeps no causal mask", "both", DIRECT, Cause.ATTENTION)
def see_the_future() -> None:
    """Every token attends to those that come after it."""

    @instead(gpt2, "create_causal_mask")
    def mask(_right: Right, *, inputs_embeds: torch.Tensor, attention_mask: torch.Tensor, **_: object) -> torch.Tensor:
        batch, length, _width = inputs_embeds.shape
        return attention_mask.bool()[:, None, None, :].expand(batch, 1, length, length)


@mutant("classic: positions in a part instead of positions in the model", "trunk", SCALED, Cause.ATTENTION)
def renumber_the_trunks_blocks() -> None:
    """The trunk's blocks are numbered from zero, which scales their attention otherwise."""

    @instead(CutTrunkStage, "__init__")
    def build(right: Right, self: CutTrunkStage, *arguments: object) -> None:
        right(self, *arguments)
        for number, block in enumerate(self.get_submodule("transformer.h").children()):
            attention: Any = block.get_submodule("attn")
            attention.scaling = attention.head_dim**-0.5 / (number + 1)


@mutant("classic: evaluation in the middle of training", "client", DIRECT, Cause.RANDOMNESS, since=1)
def leave_the_client_in_evaluation_mode() -> None:
    """After the first step the client's dropout is off."""

    @instead(TrainingStep, "run")
    def run(right: Right, self: TrainingStep, number: int, batch: StepBatch) -> object:
        self.stage.train(number == 0)
        return right(self, number, batch)


@mutant("classic: evaluation in the middle of training", "trunk", DIRECT, Cause.RANDOMNESS, since=1)
def leave_the_trunk_in_evaluation_mode() -> None:
    """After the first step the trunk's dropout is off."""

    @instead(TrunkSession, "forward")
    def forward(right: Right, self: TrunkSession, at: Position, *others: object) -> torch.Tensor:
        self.stage.train(at.step == 0)
        features_BTH: torch.Tensor = right(self, at, *others)
        return features_BTH


@mutant("Plato, split learning: features of evaluation, gradients of training", "trunk", DIRECT, Cause.RANDOMNESS)
def send_features_computed_in_evaluation_mode() -> None:
    """The features have no dropout, the gradients have."""

    @instead(TrunkSession, "forward")
    def forward(
        right: Right, self: TrunkSession, at: Position, smashed_BTH: torch.Tensor, mask_BT: torch.Tensor, commit: Commit
    ) -> torch.Tensor:
        right(self, at, smashed_BTH, mask_BT, commit)
        return self.infer(smashed_BTH, mask_BT)


@mutant("classic: one mask for all microbatches", "both", DIRECT, Cause.RANDOMNESS)
def seed_dropout_without_the_microbatch() -> None:
    """Every microbatch of a step has the first one's dropout masks."""

    @instead(determinism, "stage_seed")
    def seed(right: Right, number: int, step: int, _microbatch: int, stage: str) -> int:
        return int(right(number, step, 0, stage))


@mutant("classic: a generator that is seeded once a run", "both", DIRECT, Cause.RANDOMNESS, since=1)
def seed_dropout_without_the_step() -> None:
    """Every step has the first one's dropout masks."""

    @instead(determinism, "stage_seed")
    def seed(right: Right, number: int, _step: int, microbatch: int, stage: str) -> int:
        return int(right(number, 0, microbatch, stage))


@mutant("classic: activation checkpointing that does not restore the generator", "trunk", SMALL_TAPE, Cause.RECOMPUTED)
def recompute_with_another_dropout_mask() -> None:
    """A forward pass that is computed again draws other dropout masks."""
    again: list[bool] = [False]

    @instead(TrunkSession, "_differentiate")
    def differentiate(right: Right, self: TrunkSession, at: Position, entry: TapeEntry, gradient: torch.Tensor) -> None:
        again[0] = entry.graph is None
        right(self, at, entry, gradient)
        again[0] = False

    @instead(session, "stage_scope")
    def scope(right: Right, config: TrainingConfig, step: int, microbatch: int, stage: str) -> object:
        return right(config, step + 1000 * again[0], microbatch, stage)


@mutant("classic: a default that differs between two builds", "trunk", DIRECT, Cause.ARITHMETIC)
def norm_with_another_epsilon() -> None:
    """The trunk's layer norms add another epsilon."""

    @instead(CutTrunkStage, "__init__")
    def build(right: Right, self: CutTrunkStage, *arguments: object) -> None:
        right(self, *arguments)
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = 1e-6


@mutant("classic: another kernel than the reference's", "both", NO_DROPOUT, Cause.ORDER)
def attend_by_another_kernel() -> None:
    """Attention is computed by the library's plain implementation."""

    @instead(CutTrunkStage, "__init__")
    def build(right: Right, self: CutTrunkStage, *arguments: object) -> None:
        right(self, *arguments)
        self.config._attn_implementation = "eager"


@mutant("classic: autocast on one side only", "trunk", DIRECT, Cause.ROUNDED)
def compute_the_trunk_in_bfloat16() -> None:
    """The trunk computes in bfloat16, the client in float32."""

    @instead(session, "stage_scope")
    def scope(right: Right, config: TrainingConfig, *place: object) -> object:
        return right(config.but(dtype="bfloat16"), *place)


@mutant("classic: a layer that is forgotten when a model is cut", "client", DIRECT, Cause.RANDOMNESS)
def forget_the_dropout_of_the_embeddings() -> None:
    """The embeddings have no dropout."""

    @instead(Gpt2Layout, "embed")
    def embed(right: Right, self: Gpt2Layout, part: nn.Module, input_ids_BT: torch.Tensor) -> torch.Tensor:
        part.get_submodule("transformer.drop").train(mode=False)
        hidden_BTH: torch.Tensor = right(self, part, input_ids_BT)
        return hidden_BTH


@mutant("classic: a list of blocks in the wrong order", "trunk", DIRECT, Cause.ARITHMETIC)
def swap_the_trunks_blocks() -> None:
    """The trunk runs its blocks from the last to the first."""

    @instead(Gpt2Layout, "run_blocks")
    def run(
        right: Right, self: Gpt2Layout, part: nn.Module, blocks: Iterable[nn.Module], *tensors: torch.Tensor
    ) -> torch.Tensor:
        listed = list(blocks)
        hidden_BTH: torch.Tensor = right(
            self, part, listed[::-1] if isinstance(part, CutTrunkStage) else listed, *tensors
        )
        return hidden_BTH
