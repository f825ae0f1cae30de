"""A program that trains the uncut model in one process and times its steps: what splitting is compared with.

A step is the reference's, without what the reference does to be compared tensor by tensor.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel, get_scheduler

from harness.oracle.batches import Batches, PaddedBatch
from harness.oracle.reference import SCHEDULES, build_optimizer, clip, microbatch_loss
from harness.oracle.uncut import load_model
from splitlearn.config import TrainingConfig
from splitlearn.data import load_training_data

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and write the seconds of every step as a JSON list."""
    parser = argparse.ArgumentParser(prog="python -m harness.bench.single", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON file of a TrainingConfig")
    parser.add_argument("--out", type=Path, required=True, help="file for the seconds of the steps")
    flags = parser.parse_args(arguments)
    flags.out.write_text(json.dumps(seconds_of_steps(TrainingConfig.load(flags.config))))
    return 0


def seconds_of_steps(config: TrainingConfig) -> list[float]:
    """Train, and return the seconds of every step; making its batch is left out, as it is of a split step's."""
    torch.set_num_threads(config.threads)
    torch.use_deterministic_algorithms(True)  # noqa: FBT003 - torch's own signature
    batches = Batches(config, load_training_data(config).sequences)
    model = load_model(config)
    optimizer = build_optimizer(model, config)
    kind = SCHEDULES[config.scheduler_type] if config.use_scheduler else "constant"
    scheduler = get_scheduler(kind, optimizer, config.warmup_steps, batches.total_steps)
    seconds = []
    for number in range(batches.total_steps):
        batch = batches.step(number)
        began = time.perf_counter()
        _step(model, optimizer, batch, config)
        scheduler.step()
        seconds.append(time.perf_counter() - began)
    return seconds


def _step(
    model: PreTrainedModel, optimizer: torch.optim.Optimizer, batch: Sequence[PaddedBatch], config: TrainingConfig
) -> float:
    tokens = sum(microbatch.targets for microbatch in batch)
    total = 0.0
    for microbatch in batch:
        loss = microbatch_loss(model, microbatch, tokens, config)
        loss.backward()  # type: ignore[no-untyped-call] # torch's own
        total += loss.item()
    clip(model, config)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total


if __name__ == "__main__":
    sys.exit(main())
