"""Settings drawn for the cells of a matrix, so that faults meet more than one kind of training.

Cells that differ by their fault share a few variants, because every variant costs a reference; cells that have their
own seed, and so their own reference, draw any settings.
"""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.plan.scenario import Scenario
from splitlearn.registry import CODECS

__all__ = ["VARIANTS", "Variant", "drawn_variant", "variant_of"]


@dataclass(frozen=True)
class Variant:
    """Settings that differ from those of the matrix, and the materials that they need."""

    settings: Mapping[str, object] = field(default_factory=dict)
    materials: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The differences, in words; empty if there are none."""
        return ", ".join((*self.materials, *(f"{name} {value}" for name, value in self.settings.items())))

    def applied(self, scenario: Scenario) -> Scenario:
        """Return the scenario with these settings, which its title then names."""
        title = f"{scenario.title}; {self.title}" if self.title else scenario.title
        materials = (*scenario.materials, *self.materials)
        return replace(scenario.but(**self.settings), title=title, materials=materials)


# With three or more microbatches at the steps at which faults happen.
VARIANTS = (
    Variant(),
    Variant(materials=("short text",)),
    Variant({"attention": "eager", "scheduler_type": "linear", "label_smoothing": 0.1}),
    Variant({"optimizer_type": "sgd", "learning_rate": 0.1, "max_grad_norm": 0.0, "cuts": "0:2"}, ("untied",)),
    Variant(
        {
            "dtype": "bfloat16",
            "scheduler_type": "constant",
            "gradient_accumulation_steps": 4,
            "schedule": "1f1b",
            "window": 2,
        }
    ),
    Variant({"codec": "fp16", "loss_type": "z_loss", "weight_decay": 0.1, "cuts": "2:4"}),
)
CHOICES: Mapping[str, tuple[object, ...]] = {
    "attention": ("sdpa", "eager"),
    "codec": ("raw", *(name for name in CODECS if name != "raw")),
    "cuts": ("1:3", "0:2", "2:4"),
    "dtype": ("float32", "float32", "float32", "bfloat16"),
    "gradient_accumulation_steps": (3, 2, 4),
    "label_smoothing": (0.0, 0.1),
    "loss_type": ("cross_entropy", "z_loss"),
    "max_grad_norm": (0.5, 0.0),
    "optimizer_type": ("adamw", "adam"),
    "scheduler_type": ("cosine", "linear", "constant"),
    "schedule": ("afab", "1f1b"),
    "window": (4, 2),
}
# The short text ends an epoch in the middle of a step of three microbatches.
MATERIALS: tuple[tuple[str, ...], ...] = ((), ("untied",), ("short text",))
MICROBATCHES_OF_SHORT_TEXT = 3


def variant_of(name: str) -> Variant:
    """Return one of the few variants, always the same for a name."""
    return VARIANTS[hashlib.sha256(name.encode()).digest()[0] % len(VARIANTS)]


def drawn_variant(seed: int) -> Variant:
    """Draw every setting independently; only those that differ from the first choice are named."""
    chance = random.Random(f"settings of {seed}")  # noqa: S311 - repeatable, not secret
    drawn = {name: chance.choice(values) for name, values in CHOICES.items()}
    materials = chance.choice(MATERIALS)
    if "short text" in materials:
        drawn["gradient_accumulation_steps"] = MICROBATCHES_OF_SHORT_TEXT
    return Variant({name: value for name, value in drawn.items() if value != CHOICES[name][0]}, materials)
