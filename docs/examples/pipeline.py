"""A model in two stages of torch.distributed.pipelining, recorded and compared with the uncut model.

Run it with `python docs/examples/pipeline.py FOLDER`; `docs/examples/README.md` says what `harness judge` finds.
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
from torch.distributed.pipelining import PipelineStage, ScheduleGPipe
from torch.multiprocessing import start_processes

from harness.recorder import Recorder  # recorded

STEPS, MICROBATCHES, ROWS, WIDTH, CLASSES = 5, 4, 16, 64, 10
STAGES, CUT = 2, 2  # layers before the cut
LIMIT = timedelta(seconds=120)

loss_of = nn.CrossEntropyLoss()


def build_model() -> nn.Sequential:
    """Return the uncut model, with the same weights in every process."""
    torch.manual_seed(0)
    first, second, third = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)
    return nn.Sequential(first, nn.GELU(), second, nn.GELU(), third)


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of a model, or of a stage."""
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def batch_of(number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a step's inputs and classes."""
    generator = torch.Generator().manual_seed(number)
    return torch.randn(ROWS, WIDTH, generator=generator), torch.randint(CLASSES, (ROWS,), generator=generator)


def train_stage(rank: int, folder: Path, rendezvous: str) -> None:
    """Train one stage of the pipeline; the entry point of its process."""
    dist.init_process_group("gloo", f"file://{rendezvous}", LIMIT, STAGES, rank)
    stage = build_model()[:CUT] if rank == 0 else build_model()[CUT:]
    optimizer = build_optimizer(stage)
    rows, widths = ROWS // MICROBATCHES, (WIDTH, WIDTH, CLASSES)
    # Without shapes the library infers them by calling the stage, which would be recorded as a microbatch.
    arrives, leaves = (torch.empty(rows, width, requires_grad=True) for width in widths[rank : rank + 2])
    pipe = PipelineStage(stage, rank, STAGES, torch.device("cpu"), input_args=arrives, output_args=leaves)
    schedule = ScheduleGPipe(pipe, MICROBATCHES, loss_of)
    recorder = Recorder(folder, party=f"stage-{rank}", record_steps=range(STEPS))  # recorded
    recorder.watch("hidden" if rank == 0 else "scores", stage)  # recorded
    for number in range(STEPS):
        inputs, classes = batch_of(number)
        losses: list[torch.Tensor] = []
        with recorder.step(number) as step:  # recorded
            if rank == 0:
                schedule.step(inputs)
            else:
                schedule.step(target=classes, losses=losses)
            for microbatch, loss in enumerate(losses):  # recorded
                step.loss(loss, microbatch)  # recorded
            step.gradients(stage)  # recorded
            optimizer.step()
            optimizer.zero_grad()
            step.updated(stage, optimizer)  # recorded
    recorder.close(stage, optimizer)  # recorded
    dist.destroy_process_group()


def train_uncut(folder: Path) -> None:
    """Train the uncut model on the same microbatches, one after another."""
    model = build_model()
    optimizer = build_optimizer(model)
    recorder = Recorder(folder, record_steps=range(STEPS))  # recorded
    recorder.watch("hidden", model[CUT - 1])  # recorded
    recorder.watch("scores", model)  # recorded
    for number in range(STEPS):
        inputs, classes = (tensor.chunk(MICROBATCHES) for tensor in batch_of(number))
        with recorder.step(number) as step:  # recorded
            for microbatch in range(MICROBATCHES):
                loss = loss_of(model(inputs[microbatch]), classes[microbatch])
                step.loss(loss, microbatch)  # recorded
                loss.backward()
            for parameter in model.parameters():  # as the schedule does
                parameter.grad /= MICROBATCHES
            step.gradients(model)  # recorded
            optimizer.step()
            optimizer.zero_grad()
            step.updated(model, optimizer)  # recorded
    recorder.close(model, optimizer)  # recorded


def train_one_batch(folder: Path) -> None:
    """Train the uncut model on each batch as a whole, as most loops do."""
    model = build_model()
    optimizer = build_optimizer(model)
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


def train_pipeline(folder: Path) -> None:
    """Run all stages; an error in one of them, or a timeout, ends them all."""
    with tempfile.TemporaryDirectory() as shared:
        stages = start_processes(
            train_stage, (folder, f"{shared}/store"), STAGES, join=False, daemon=True, start_method="fork"
        )
        deadline = time.monotonic() + LIMIT.total_seconds()
        while not stages.join(timeout=1):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the stages did not end within {LIMIT}")


def main() -> None:
    """Record the three training runs."""
    folder = Path(sys.argv[1])
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all stages are on this machine
    torch.set_num_threads(1)
    train_pipeline(folder / "pipeline")  # first, because a process that has computed cannot be forked safely
    train_uncut(folder / "uncut")
    train_one_batch(folder / "one-batch")


if __name__ == "__main__":
    main()
