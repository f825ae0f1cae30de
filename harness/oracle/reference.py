"""The reference: the uncut model trained in one process with the libraries' own functions.

Shapes: B sequences, T positions, V vocabulary.
"""

import json
import math
import os
import time
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import PreTrainedModel, get_scheduler

from harness.oracle.batches import Batches, PaddedBatch
from harness.oracle.held import held_tensors
from harness.oracle.randomness import CutHooks
from harness.oracle.reference_recorder import ReferenceRecorder
from harness.oracle.sequences import sequences_of
from harness.oracle.uncut import load_model
from harness.resident import peak_bytes
from splitlearn.config import TrainingConfig
from splitlearn.data import load_training_data

__all__ = ["train_reference"]

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
Z_LOSS_WEIGHT = 1e-4


def train_reference(config: TrainingConfig, out: Path, record_steps: Iterable[int]) -> None:
    """Train and write `reference.jsonl`, `digests.jsonl`, chosen steps' tensors, and `final.safetensors`."""
    torch.set_num_threads(config.threads)
    torch.use_deterministic_algorithms(True)  # noqa: FBT003 - torch's own signature
    batches = Batches(config, sequences_of(config, load_training_data(config)))
    model = load_model(config)
    recorder = ReferenceRecorder(out, record_steps)
    hooks = CutHooks(model, config, recorder.boundary)
    optimizer = build_optimizer(model, config)
    schedule = SCHEDULES[config.scheduler_type] if config.use_scheduler else "constant"
    scheduler = get_scheduler(schedule, optimizer, config.warmup_steps, batches.total_steps)
    parameters = dict(model.named_parameters())
    with (out / "reference.jsonl").open("w") as lines:
        for step in range(batches.total_steps):
            started = time.perf_counter()
            batch, losses, graphs = batches.step(step), [], []
            tokens = sum(microbatch.targets for microbatch in batch)
            for index, microbatch in enumerate(batch):
                hooks.at(step, index)
                with held_tensors(model) as held:
                    loss = microbatch_loss(model, microbatch, tokens, config)
                graphs.append(held.nbytes)
                recorder.boundary(step, index, "loss", loss)
                loss.backward()  # type: ignore[no-untyped-call] # torch's own
                losses.append(loss.detach())
            gradients = {name: p.grad for name, p in parameters.items() if p.grad is not None}
            recorder.gradients(step, gradients)
            norms = {f"norm/{name}": float(torch.linalg.vector_norm(grad)) for name, grad in gradients.items()}
            norm = clip(model, config)
            applied = bool(torch.isfinite(norm))
            learning_rate = scheduler.get_last_lr()[0]
            hooks.end_step(skipped=not applied)
            if applied:
                optimizer.step()
                decided = {"learning_rate": learning_rate, **clip_coefficient(norm, config)}
                both = {f"{party}/{name}": value for party in ("client", "trunk") for name, value in decided.items()}
                recorder.numbers(step, {**norms, "client/grad_norm": float(norm), **both})
            recorder.weights(step, parameters)
            optimizer.zero_grad(set_to_none=True)
            scheduler.step()
            total = float(sum(losses[1:], losses[0]))
            line = {
                "step": step,
                "loss": total if math.isfinite(total) and applied else None,
                "learning_rate": learning_rate,
                "grad_norm": float(norm) if applied else None,
                "tokens": tokens,
                "microbatches": len(batch),
                "positions": sum(microbatch.input_ids_BT.numel() for microbatch in batch),
                "skipped": not applied,
                "seconds": time.perf_counter() - started,
                "peak_bytes": peak_bytes(os.getpid()),
                "graph_bytes": max(graphs),
            }
            lines.write(json.dumps(line) + "\n")
    recorder.close(final_state(parameters, optimizer))


def microbatch_loss(
    model: PreTrainedModel, microbatch: PaddedBatch, tokens: int, config: TrainingConfig
) -> torch.Tensor:
    """Compute a microbatch's share of the step's mean loss: the library's loss, or the two that it lacks."""
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


def build_optimizer(model: PreTrainedModel, config: TrainingConfig) -> torch.optim.Optimizer:
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


def clip(model: PreTrainedModel, config: TrainingConfig) -> torch.Tensor:
    """Clip the gradients if the run clips; return the global norm before clipping."""
    if config.max_grad_norm:
        return torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
    return torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])


def clip_coefficient(norm: torch.Tensor, config: TrainingConfig) -> dict[str, float]:
    """Return the library's clip coefficient for this norm, read off a gradient of one; empty if nothing is clipped."""
    if not config.max_grad_norm:
        return {}
    parameter = torch.nn.Parameter(torch.zeros(1))
    parameter.grad = torch.ones(1)
    torch.nn.utils.clip_grads_with_norm_(parameter, config.max_grad_norm, norm)
    return {"clip_coefficient": float(parameter.grad)}


def final_state(parameters: dict[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return weights and optimizer state under the names that checkpoints use."""
    tensors: dict[str, torch.Tensor] = {f"weights/{name}": parameter for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer_state/{name}/{key}"] = value
    return tensors
