"""The judge of these tests: the uncut model trained by plain torch and Hugging Face code.

Nothing of the training system is used but the configuration's values and the rule for random numbers.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from transformers import AutoConfig, AutoModelForCausalLM, get_scheduler

from splitlearn.determinism import stage_seed

DROPOUTS = {
    "gpt2": ("embd_pdrop", "attn_pdrop", "resid_pdrop"),
    "gpt_neox": ("attention_dropout", "hidden_dropout"),
}
SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


@dataclass
class Outcome:
    """Everything that two runs are compared by; gradients are those before clipping."""

    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    gradients: list[dict[str, torch.Tensor]] = field(default_factory=list)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizer_state: dict[str, torch.Tensor] = field(default_factory=dict)


def load_uncut(config):
    """The whole model, in training mode."""
    settings = AutoConfig.from_pretrained(config.model)
    if config.dropout is not None:
        for name in DROPOUTS[settings.model_type]:
            setattr(settings, name, config.dropout)
    return AutoModelForCausalLM.from_pretrained(
        config.model, config=settings, attn_implementation=config.attention, dtype=torch.float32
    ).train()


def seed_at_cuts(model, config, place):
    """Seed the generator where each part begins; `place` holds the current step and microbatch."""
    *_, blocks, norm = (
        m for m in model.base_model.children() if isinstance(m, (torch.nn.ModuleList, torch.nn.LayerNorm))
    )
    behind = blocks[config.cuts.upper] if config.cuts.upper < len(blocks) else norm

    def seeding(stage):
        return lambda *_: torch.manual_seed(stage_seed(config.seed, *place, stage)) and None

    model.base_model.register_forward_pre_hook(seeding("bottom"))
    blocks[config.cuts.lower].register_forward_pre_hook(seeding("trunk"))
    behind.register_forward_pre_hook(seeding("top"))


def loss_of(model, microbatch, tokens, config):
    """The library's own loss, or by hand the two that it does not have."""
    inputs = {"input_ids": microbatch.input_ids_BT, "attention_mask": microbatch.attention_mask_BT}
    labels = microbatch.labels_BT
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.dtype == "bfloat16"):
        if config.loss_type == "cross_entropy" and config.label_smoothing == 0:
            return model(**inputs, labels=labels, num_items_in_batch=tokens, use_cache=False).loss
        logits = model(**inputs, use_cache=False).logits.float()
        logits = logits.view(-1, logits.shape[-1])
        targets = F.pad(labels, (0, 1), value=-100)[:, 1:].reshape(-1)
        loss = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=config.label_smoothing)
        if config.loss_type == "z_loss":
            log_z = torch.logsumexp(logits, dim=-1)
            loss = loss + 1e-4 * (log_z**2 * (targets != -100)).sum()
        return loss / tokens


def optimizer_of(model, config):
    """One optimizer over the whole model; only matrices and embeddings decay."""
    groups = [
        {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    if config.optimizer_type == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=0.9)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimizer_type]
    return kind(groups, lr=config.learning_rate)


def train_uncut(config, batches):
    """Train on every batch, one step each."""
    model, outcome, place = load_uncut(config), Outcome(), [0, 0]
    seed_at_cuts(model, config, place)
    optimizer = optimizer_of(model, config)
    name = SCHEDULES[config.scheduler_type] if config.use_scheduler else "constant"
    scheduler = get_scheduler(name, optimizer, config.warmup_steps, len(batches))
    parameters = dict(model.named_parameters())
    for step, batch in enumerate(batches):
        tokens = sum(int((microbatch.labels_BT[:, 1:] != -100).sum()) for microbatch in batch)
        losses = []
        for index, microbatch in enumerate(batch):
            place[:] = step, index
            loss = loss_of(model, microbatch, tokens, config)
            loss.backward()
            losses.append(loss.detach())
        outcome.losses.append(float(sum(losses[1:], losses[0])))
        outcome.gradients.append({name: p.grad.clone() for name, p in parameters.items() if p.requires_grad})
        if config.max_grad_norm:
            norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm))
        else:
            norm = float(torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.requires_grad]))
        outcome.norms.append(norm)
        if math.isfinite(norm):
            optimizer.step()
        else:
            outcome.skipped.append(step)
            optimizer._opt_called = True  # else the scheduler believes that it was called too early
        optimizer.zero_grad()
        scheduler.step()
    outcome.weights = {name: p.detach() for name, p in parameters.items()}
    for name, parameter in parameters.items():
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, torch.Tensor):
                outcome.optimizer_state[f"{name}/{key}"] = value
    return outcome


def difference(expected, actual):
    """Return the first thing whose bits differ, in words; empty if everything is equal."""
    if repr(expected.losses) != repr(actual.losses):
        return f"losses {expected.losses} and {actual.losses}"
    for step, (ours, theirs) in enumerate(zip(expected.gradients, actual.gradients, strict=True)):
        if step in expected.skipped and step in actual.skipped:
            continue
        name = _first_difference(ours, theirs)
        if name:
            return f"gradient of {name} in step {step}"
    finite = [[repr(norm) for norm in outcome.norms if math.isfinite(norm)] for outcome in (expected, actual)]
    if finite[0] != finite[1] or expected.skipped != actual.skipped:
        return f"norms {expected.norms} and {actual.norms}, skipped {expected.skipped} and {actual.skipped}"
    name = _first_difference(expected.weights, actual.weights)
    if name:
        return f"final {name}"
    name = _first_difference(expected.optimizer_state, actual.optimizer_state)
    return f"moment {name}" if name else ""


def _first_difference(ours, theirs):
    assert ours.keys() == theirs.keys()
    return next((name for name in ours if not same_bits(ours[name], theirs[name])), "")


def same_bits(a, b):
    """Return whether two tensors have the same type, shape and bytes."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    a, b = (tensor.detach().cpu().contiguous().view(-1).view(torch.uint8) for tensor in (a, b))
    return torch.equal(a, b)
