"""A small training loop that records itself, and ways to corrupt what it has recorded."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from harness.recorder import Recorder
from harness.recorder.digest import digest

STEPS, MICROBATCHES = 3, 2
EVERY_STEP = tuple(range(STEPS))


def model_of(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def train(folder, *, record_steps=EVERY_STEP, seed=0, steps=STEPS, close=True, change=None, **flags):
    """Train and record; `change` may corrupt the gradients of a step."""
    model = model_of(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    recorder = Recorder(folder, record_steps=record_steps, **flags)
    recorder.watch("hidden", model[1])
    for number in range(steps):
        generator = torch.Generator().manual_seed(number)
        with recorder.step(number) as step:
            for microbatch in range(MICROBATCHES):
                x, y = torch.randn(5, 3, generator=generator), torch.randn(5, 2, generator=generator)
                loss = nn.functional.mse_loss(model(x), y) / MICROBATCHES
                step.loss(loss, microbatch)
                loss.backward()
            if change:
                change(number, model)
            step.gradients(model)
            step.number("learning_rate", 0.01)
            optimizer.step()
            optimizer.zero_grad()
            step.updated(model, optimizer)
    if close:
        recorder.close(model, optimizer)
    return Path(folder)


class Spoiler:
    """Alters one part of a recording on the disk, with digests that fit."""

    def __init__(self, part):
        self.part = part

    def lines(self):
        return [json.loads(line) for line in (self.part / "digests.jsonl").read_text().splitlines()]

    def write(self, lines):
        (self.part / "digests.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.describe(entries=len(lines))

    def describe(self, **values):
        path = self.part / "recording.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    def drop(self, wanted):
        self.write([line for line in self.lines() if not wanted(line)])

    def change(self, step, microbatch, tensor, change):
        """Change a tensor that was kept whole, and its digest."""
        name = tensor if microbatch is None else f"{tensor}.{microbatch}"
        path = self.part / f"step-{step}" / f"{name}.safetensors"
        after = change(load_file(path)["tensor"].clone())
        save_file({"tensor": after}, path)
        at = (step, microbatch, tensor)
        lines = self.lines()
        (line,) = [line for line in lines if (line["step"], line["microbatch"], line["tensor"]) == at]
        line["sha256"] = digest(after)
        self.write(lines)

    def change_final(self, name, change):
        tensors = load_file(self.part / "final.safetensors")
        tensors[name] = change(tensors[name].clone())
        save_file(tensors, self.part / "final.safetensors")


def flip(tensor, element, bit):
    """Flip one bit of one element, counted in row-major order."""
    width = tensor.element_size()
    octets = tensor.reshape(-1).view(torch.uint8)
    octets[element * width + bit // 8] ^= 1 << bit % 8
    return tensor
