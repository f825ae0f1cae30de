"""The reference: the uncut model trained in one process by the libraries' own means.

Shapes: B sequences, T positions, V vocabulary.
"""

import json
import math
import time
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, get_scheduler

from harness.oracle.randomness import CutHooks
from harness.oracle.recorder import ReferenceRecorder
from splitlearn.config import TrainingConfig
from splitlearn.data import Microbatch, load_training_data, target_tokens
from splitlearn.determinism import make_deterministic
from splitlearn.presets import PRESETS, dropout_settings, preset_settings

__all__ = ["train_reference"]

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
Z_LOSS_WEIGHT = 1e-4


def train_reference(config: TrainingConfig, out: Path, whole_steps: Iterable[int]) -> None:
    """Train and write `reference.jsonl`, `digests.jsonl`, chosen steps' tensors, and `final.safetensors`."""
    make_deterministic(config)
    data = load_training_data(config)
    model = load_model(config)
    recorder = ReferenceRecorder(out, whole_steps)
    hooks = CutHooks(model, config, recorder.boundary)
    optimizer = build_optimizer(model, config)
    schedule = SCHEDULES[config.scheduler_type] if config.use_scheduler else "constant"
    scheduler = get_scheduler(schedule, optimizer, config.warmup_steps, data.total_steps)
    parameters = dict(model.named_parameters())
    with (out / "reference.jsonl").open("w") as lines:
        for step in range(data.total_steps):
            started = time.perf_counter()
            batch, losses = data.step(step), []
            tokens = target_tokens(batch)
            for index, microbatch in enumerate(batch):
                hooks.at(step, index)
                loss = microbatch_loss(model, microbatch, tokens, config)
                recorder.boundary(step, index, "loss", loss)
                loss.backward()  # type: ignore[no-untyped-call] # torch's own
                losses.append(loss.detach())
            recorder.gradients(step, {name: p.grad for name, p in parameters.items() if p.grad is not None})
            norm = clip(model, config)
            applied = bool(torch.isfinite(norm))
            if applied:
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            learning_rate = scheduler.get_last_lr()[0]
            scheduler.step()
            total = float(sum(losses[1:], losses[0]))
            line = {
                "step": step,
                "loss": total if math.isfinite(total) and applied else None,
                "learning_rate": learning_rate,
                "grad_norm": float(norm) if applied else None,
                "tokens": tokens,
                "skipped": not applied,
                "seconds": time.perf_counter() - started,
            }
            lines.write(json.dumps(line) + "\n")
    save_final(parameters, optimizer, out / "final.safetensors")


def load_model(config: TrainingConfig) -> GPT2LMHeadModel:
    """Load the uncut model, in training mode."""
    model: GPT2LMHeadModel
    if config.model in PRESETS:
        settings = GPT2Config(**preset_settings(config))
        settings._attn_implementation = config.attention
        torch.manual_seed(config.seed)
        model = GPT2LMHeadModel(settings)
    else:
        model = GPT2LMHeadModel.from_pretrained(
            config.model, attn_implementation=config.attention, dtype=torch.float32, **dropout_settings(config)
        )
    torch.nn.Module.to(model, config.device)  # the library's own `to` is not typed for it
    model.train()
    return model


def microbatch_loss(
    model: GPT2LMHeadModel, microbatch: Microbatch, tokens: int, config: TrainingConfig
) -> torch.Tensor:
    """Compute a microbatch's share of the step's mean loss: the library's own loss, or the two it does not have."""
    ids_BT, mask_BT, labels_BT = (
        tensor.to(config.device)
        for tensor in (microbatch.input_ids_BT, microbatch.attention_mask_BT, microbatch.labels_BT)
    )
    with torch.autocast(torch.device(config.device).type, torch.bfloat16, enabled=config.dtype == "bfloat16"):
        plain = config.loss_type == "cross_entropy" and config.label_smoothing == 0
        more = {"labels": labels_BT, "num_items_in_batch": tokens} if plain else {}
        output = model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False, **more)
        if plain:
            loss: torch.Tensor = output.loss
            return loss
        scores = output.logits.float().flatten(0, 1)
        targets = F.pad(labels_BT, (0, 1), value=-100)[:, 1:].flatten()
        loss = F.cross_entropy(scores, targets, reduction="sum", label_smoothing=config.label_smoothing)
        if config.loss_type == "z_loss":
            squares = torch.logsumexp(scores, dim=-1).square()
            loss = loss + Z_LOSS_WEIGHT * (squares * (targets != -100)).sum()
        return loss / tokens


def build_optimizer(model: GPT2LMHeadModel, config: TrainingConfig) -> torch.optim.Optimizer:
    """Build one optimizer over all parameters; only those of two or more dimensions decay."""
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    if config.optimizer_type == "adamw":
        return torch.optim.AdamW(groups, lr=config.learning_rate)
    if config.optimizer_type == "adam":
        return torch.optim.Adam(groups, lr=config.learning_rate)
    return torch.optim.SGD(groups, lr=config.learning_rate, momentum=0.9)


def clip(model: GPT2LMHeadModel, config: TrainingConfig) -> torch.Tensor:
    """Clip the gradients where the run clips; returns the global norm before that."""
    if config.max_grad_norm:
        return torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
    return torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])


def save_final(parameters: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer, path: Path) -> None:
    """Write weights and moments under the names that checkpoints use."""
    tensors = {f"weights/{name}": parameter.detach() for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, torch.Tensor):
                tensors[f"moments/{name}/{key}"] = value
    save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, path)
