"""Settings of the loss, the optimizer and the learning rate."""

from typing import Literal

from pydantic import Field

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Both, Client, Kept

__all__ = ["OptimizerSettings"]


class OptimizerSettings(SettingsGroup):
    """Loss and optimizer settings."""

    learning_rate: Kept[float] = Field(3e-4, gt=0, description="peak learning rate")
    weight_decay: Both[float] = Field(
        0.01, ge=0, description="applied to matrices and embeddings, not to biases and norms"
    )
    optimizer_type: Both[Literal["adam", "adamw", "sgd"]] = Field("adamw", description="sgd has momentum 0.9")
    max_grad_norm: Kept[float] = Field(1.0, ge=0, description="global gradient norm to clip to; 0 turns clipping off")
    loss_type: Kept[Literal["cross_entropy", "z_loss"]] = Field(
        "cross_entropy", description="z_loss adds 1e-4 log²Z, which keeps logits small"
    )
    label_smoothing: Kept[float] = Field(0.0, ge=0, lt=1, description="label smoothing of the cross entropy")
    use_scheduler: Kept[bool] = Field(True, description="false keeps the learning rate constant")  # noqa: FBT003 - a default
    scheduler_type: Kept[Literal["constant", "linear", "cosine"]] = Field(
        "linear", description="shape after the warm-up"
    )
    warmup_steps: Kept[int] = Field(0, ge=0, description="steps of linear warm-up")
    max_skipped: Client[int] = Field(
        10,
        ge=0,
        description="steps skipped in a row, as not finite, beyond which the run has diverged; 0 never ends it",
    )
