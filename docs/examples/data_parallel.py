"""DistributedDataParallel on two ranks, recorded and compared with one process.

Run it with `python docs/examples/data_parallel.py FOLDER`; `docs/examples/README.md` says what `harness judge` finds.
"""

import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing import start_processes
from torch.nn.parallel import DistributedDataParallel

from harness.recorder import Recorder  # recorded

STEPS, RANKS, ROWS, WIDTH, CLASSES = 5, 2, 16, 64, 10
LIMIT = timedelta(seconds=120)

loss_of = nn.CrossEntropyLoss()


def build_model() -> nn.Sequential:
    """Return the model, with the same weights in every process."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, CLASSES))


def batch_of(number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a step's inputs and classes; rank r takes the r-th chunk of both."""
    generator = torch.Generator().manual_seed(number)
    return torch.randn(ROWS, WIDTH, generator=generator), torch.randint(CLASSES, (ROWS,), generator=generator)


def train_rank(rank: int, folder: Path, rendezvous: str) -> None:
    """Train on one rank's chunks; the entry point of its process."""
    dist.init_process_group("gloo", f"file://{rendezvous}", LIMIT, RANKS, rank)
    model = build_model()
    parallel = DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters())
    recorder = Recorder(folder, party=f"rank-{rank}", record_steps=range(STEPS))  # recorded
    for number in range(STEPS):
        inputs, classes = (tensor.chunk(RANKS)[rank] for tensor in batch_of(number))
        with recorder.step(number) as step:  # recorded
            loss = loss_of(parallel(inputs), classes)
            step.loss(loss, rank)  # recorded
            loss.backward()
            step.gradients(model)  # recorded
            optimizer.step()
            optimizer.zero_grad()
            step.updated(model, optimizer)  # recorded
    recorder.close(model, optimizer)  # recorded
    dist.destroy_process_group()


def train_one_process(folder: Path) -> None:
    """Train on the chunks of all ranks, one after another, with accumulated gradients."""
    model = build_model()
    optimizer = torch.optim.AdamW(model.parameters())
    recorder = Recorder(folder, record_steps=range(STEPS))  # recorded
    for number in range(STEPS):
        inputs, classes = (tensor.chunk(RANKS) for tensor in batch_of(number))
        with recorder.step(number) as step:  # recorded
            for chunk in range(RANKS):
                loss = loss_of(model(inputs[chunk]), classes[chunk])
                step.loss(loss, chunk)  # recorded
                (loss / RANKS).backward()
            step.gradients(model)  # recorded
            optimizer.step()
            optimizer.zero_grad()
            step.updated(model, optimizer)  # recorded
    recorder.close(model, optimizer)  # recorded


def train_one_batch(folder: Path) -> None:
    """Train on each batch as a whole."""
    model = build_model()
    optimizer = torch.optim.AdamW(model.parameters())
    recorder = Recorder(folder, record_steps=range(STEPS))  # recorded
    for number in range(STEPS):
        inputs, classes = batch_of(number)
        with recorder.step(number) as step:  # recorded
            loss_of(model(inputs), classes).backward()
            step.gradients(model)  # recorded
            optimizer.step()
            optimizer.zero_grad()
            step.updated(model, optimizer)  # recorded
    recorder.close(model, optimizer)  # recorded


def train_two_ranks(folder: Path) -> None:
    """Run all ranks; an error in one of them, or a timeout, ends them all."""
    with tempfile.TemporaryDirectory() as shared:
        ranks = start_processes(
            train_rank, (folder, f"{shared}/store"), RANKS, join=False, daemon=True, start_method="fork"
        )
        deadline = time.monotonic() + LIMIT.total_seconds()
        while not ranks.join(timeout=1):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the ranks did not end within {LIMIT}")


def main() -> None:
    """Record the three training runs."""
    folder = Path(sys.argv[1])
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all ranks are on this machine
    torch.set_num_threads(1)
    train_two_ranks(folder / "two-ranks")  # first, because a process that has computed cannot be forked safely
    train_one_process(folder / "one-process")
    train_one_batch(folder / "one-batch")


if __name__ == "__main__":
    main()
