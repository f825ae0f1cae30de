"""Materials that a scenario describes, rather than names: models and texts of any size."""

import random
from pathlib import Path

import torch

from harness.engine.material import register_material, write_lines_once
from harness.engine.words import WORDS
from harness.plan.generated import Gpt2Shape, Lines
from harness.plan.scenario import Scenario

__all__ = ["gpt2", "lines"]


@register_material(Gpt2Shape.kind)
def gpt2(scenario: Scenario, folder: Path, described: str = "{}") -> Scenario:
    """Make a GPT-2 of a shape, with weights drawn from the run's seed."""
    from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415 - takes seconds, and few runs need it

    shape = Gpt2Shape.parse(described)
    if not (folder / "config.json").exists():
        torch.manual_seed(scenario.config.seed)
        GPT2LMHeadModel(GPT2Config(**shape.settings(scenario.config.vocab_size))).save_pretrained(folder)
    return scenario.but(model=str(folder))


@register_material(Lines.kind)
def lines(scenario: Scenario, folder: Path, described: str = "{}") -> Scenario:
    """Make a text of lines of so many words each."""
    text = Lines.parse(described)
    chance = random.Random(text.seed)  # noqa: S311 - repeatable, not secret
    written = [" ".join(chance.choices(WORDS, k=count)) for count in text.words]
    return scenario.but(data=str(write_lines_once(folder / "text.txt", written)))
