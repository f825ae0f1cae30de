"""Evaluation and text generation through the trunk; no gradients anywhere.

Shapes: B sequences, T positions, V vocabulary.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from splitlearn.config import TrainingConfig
from splitlearn.data import Microbatch, TrainingData
from splitlearn.determinism import stage_scope
from splitlearn.loss import token_loss_sum
from splitlearn.models.family import ClientStage, ModelIdentity
from splitlearn.wire.trunk_link import TrunkLink

__all__ = ["Evaluation", "Sampling", "evaluate", "generate"]


@dataclass(frozen=True)
class Evaluation:
    """Mean loss in nats over all target tokens, and its exponential."""

    loss: float
    perplexity: float
    tokens: int


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        max_new_tokens: how many to add.
        temperature: 0 picks the likeliest token.
        top_k: sample from this many likeliest tokens; 0 from all.
    """

    max_new_tokens: int
    temperature: float
    top_k: int


def evaluate(stage: ClientStage, trunk: TrunkLink, data: TrainingData, config: TrainingConfig) -> Evaluation:
    """Compute loss and perplexity over every sequence once, by plain cross entropy, whatever the training loss."""
    plain = config.but(loss_type="cross_entropy", label_smoothing=0.0)
    total, tokens = 0.0, 0
    for microbatch in data.evaluation_batches():
        logits_BTV = _logits(stage, trunk, config, microbatch)
        total += float(token_loss_sum(logits_BTV, microbatch.labels_BT.to(config.device), plain))
        tokens += microbatch.target_tokens
    loss = total / tokens
    return Evaluation(loss, math.exp(min(loss, 700.0)), tokens)


def generate(
    stage: ClientStage,
    identity: ModelIdentity,
    trunk: TrunkLink,
    prompt: list[int],
    sampling: Sampling,
    config: TrainingConfig,
) -> Iterator[int]:
    """Continue a prompt token by token; the oldest tokens are dropped when the model's positions are full."""
    ids = list(prompt)
    generator = torch.Generator().manual_seed(config.seed)
    for _ in range(sampling.max_new_tokens):
        window_BT = torch.tensor([ids[-identity.positions :]])
        microbatch = Microbatch(window_BT, torch.ones_like(window_BT), window_BT)
        token = _choose(_logits(stage, trunk, config, microbatch)[0, -1].cpu(), sampling, generator)
        ids.append(token)
        yield token


@torch.no_grad()
def _logits(stage: ClientStage, trunk: TrunkLink, config: TrainingConfig, microbatch: Microbatch) -> torch.Tensor:
    mask_BT = microbatch.attention_mask_BT.to(config.device)
    was_training = stage.training
    stage.eval()
    try:
        with stage_scope(config, 0, 0, "bottom"):
            smashed_BTH = stage.bottom(microbatch.input_ids_BT.to(config.device), mask_BT)
        features_BTH = trunk.infer(smashed_BTH, mask_BT).result()
        with stage_scope(config, 0, 0, "top"):
            return stage.top(features_BTH, mask_BT).float()
    finally:
        stage.train(was_training)


def _choose(logits_V: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    if sampling.temperature == 0:
        return int(logits_V.argmax())
    if sampling.top_k:
        threshold = logits_V.topk(min(sampling.top_k, logits_V.numel())).values[-1]
        logits_V = logits_V.masked_fill(logits_V < threshold, -math.inf)
    probabilities_V = torch.softmax(logits_V / sampling.temperature, dim=-1)
    return int(torch.multinomial(probabilities_V, 1, generator=generator))
