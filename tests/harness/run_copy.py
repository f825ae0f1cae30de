"""A split run made of a reference's own files, which tests then corrupt."""

import json
import shutil

import torch
from safetensors.torch import load_file, save_file

from harness.judging.checks.equivalence import check_equivalence
from harness.judging.facts import RunFacts
from harness.oracle.compare import RunFiles
from harness.plan.scenario import Scenario
from harness.recording.writer import read_lines
from harness.trace.verdict import Verdict
from splitlearn.config import TrainingConfig
from splitlearn.tensor_log import digest

SMALLEST = TrainingConfig(
    model="tiny", cuts="1:3", vocab_size=300, dropout=0.1, data_format="lines", max_length=24, batch_size=2,
    gradient_accumulation_steps=2, learning_rate=1e-2, warmup_steps=1, scheduler_type="cosine", max_steps=3,
    max_grad_norm=0.5, rpc_timeout=20.0, retry_timeout=20.0, seed=3,
)  # fmt: skip


class RunCopy:
    """Two folders, client and trunk, that together hold what the reference holds."""

    def __init__(self, reference, folder, config):
        self.reference = reference
        self.folder = folder
        self.config = config
        self.steps = read_lines(reference / "reference.jsonl")
        shutil.copytree(reference, folder / "client")
        (folder / "trunk").mkdir()
        lines = self._lines("client")
        own = ("transformer.h.1.", "transformer.h.2.")
        names = (*own, *(f"weight/{name}" for name in own), "trunk/")
        trunks = [line for line in lines if line["tensor"].startswith(names)]
        self._write("trunk", trunks)
        self._write("client", [line for line in lines if line not in trunks])

    def facts(self):
        """Return what the judge reads."""
        parties = tuple(self.folder / party for party in ("client", "trunk"))
        return RunFacts(
            scenario=Scenario("copy", "A copy of the reference", self.config),
            events=[],
            problem="",
            split_steps=self.steps,
            reference_steps=read_lines(self.reference / "reference.jsonl"),
            split=RunFiles(parties, (self.folder / "client" / "final.safetensors",)),
            reference=RunFiles((self.reference,), (self.reference / "final.safetensors",)),
            traffic=None,
        )

    def change_digest(self, step, microbatch, tensor, sha256="0" * 64):
        """Replace one recorded digest."""
        self._edit(lambda line: {**line, "sha256": sha256} if _at(line, step, microbatch, tensor) else line)

    def digest(self, step, microbatch, tensor):
        """Return one recorded digest."""
        lines = (line for party in ("client", "trunk") for line in self._lines(party))
        return next(line["sha256"] for line in lines if _at(line, step, microbatch, tensor))

    def drop_digest(self, step, microbatch, tensor):
        """Forget one recorded digest."""
        self._edit(lambda line: None if _at(line, step, microbatch, tensor) else line)

    def drop_commit_of_the_trunk(self, step):
        """Drop what the trunk recorded of a step's gradients and update, and of every later step."""
        kept = [line for line in self._lines("trunk") if line["step"] < step]
        self._write("trunk", kept)

    def add_digest(self, step, microbatch, tensor):
        """Record a digest that the reference does not have."""
        line = {"step": step, "microbatch": microbatch, "tensor": tensor, "sha256": "0" * 64}
        self._write("client", [*self._lines("client"), line])

    def change_recorded(self, step, microbatch, tensor, change):
        """Change a tensor that was recorded whole, and its digest; returns it as it was and as it is."""
        name = tensor if microbatch is None else f"{tensor}.{microbatch}"
        path = self.folder / "client" / f"step-{step}" / f"{name}.safetensors"
        before = load_file(path)["tensor"]
        after = change(before.clone())
        save_file({"tensor": after}, path)
        self.change_digest(step, microbatch, tensor, digest(after))
        return before, after

    def change_final(self, name, change):
        """Change a tensor of the final weights or optimizer state; return it as it was and as it is."""
        path = self.folder / "client" / "final.safetensors"
        tensors = load_file(path)
        before = tensors[name].clone()
        tensors[name] = change(tensors[name].clone())
        save_file(tensors, path)
        return before, tensors[name]

    def remove(self, *names):
        """Remove files of both parties."""
        for name in names:
            for party in ("client", "trunk"):
                (self.folder / party / name).unlink(missing_ok=True)

    def empty(self):
        """Leave files with nothing in them."""
        for party in ("client", "trunk"):
            self._write(party, [])
        save_file({}, self.folder / "client" / "final.safetensors")

    def _edit(self, change):
        changes = 0
        for party in ("client", "trunk"):
            old = self._lines(party)
            new = [change(line) for line in old]
            changes += sum(a != b for a, b in zip(old, new, strict=True))
            self._write(party, [line for line in new if line is not None])
        assert 1 == changes, "the record to spoil is not there"

    def _lines(self, party):
        return read_lines(self.folder / party / "digests.jsonl")

    def _write(self, party, lines):
        path = self.folder / party / "digests.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _at(line, step, microbatch, tensor):
    return (line["step"], line["microbatch"], line["tensor"]) == (step, microbatch, tensor)


def first_divergence(copy):
    """Return where a copy that must fail first differs from its reference."""
    result = check_equivalence(copy.facts())
    assert Verdict.FAIL is result.verdict
    return result.findings[0].where


def next_float(tensor, index, count=1):
    """Move one element up by some representable values."""
    for _ in range(count):
        tensor[index] = torch.nextafter(tensor[index], torch.tensor(torch.inf))
    return tensor
