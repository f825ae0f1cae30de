"""What `harness.recorder` writes, and what it refuses."""

import hashlib
import json
import struct
import subprocess
import sys

import pytest
import torch
from loop import MICROBATCHES, Spoiler, model_of, train
from safetensors.torch import load_file
from torch import nn

from harness.errors import UnusableError
from harness.oracle.digests import Place
from harness.oracle.recordings import read_recording
from harness.recorder import Recorder
from harness.recorder.digest import digest


def entries(part):
    return {(line["step"], line["microbatch"], line["tensor"]): line["sha256"] for line in Spoiler(part).lines()}


def test_a_digest_is_what_the_page_says():
    tensor = torch.tensor([[1.0, -2.0], [0.5, 3.0]]).T
    octets = b"torch.float32|(2, 2)|" + struct.pack("<4f", 1.0, 0.5, -2.0, 3.0)
    assert hashlib.sha256(octets).hexdigest() == digest(tensor)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int64, torch.bool, torch.complex64])
def test_every_dtype_has_a_digest_that_tells_one_bit_and_the_shape(dtype):
    tensor = torch.ones(2, 3).to(dtype)
    other = tensor.clone()
    other[1, 2] = 0
    wider = tensor.to(torch.complex128 if dtype.is_complex else torch.float64)
    assert 4 == len({digest(tensor), digest(other), digest(tensor.reshape(3, 2)), digest(wider)})


def test_a_step_has_every_tensor_under_its_name(recorded):
    parameters = ("0.weight", "0.bias", "2.weight", "2.bias")
    moments = [f"optimizer_state/{name}/{key}" for name in parameters for key in ("step", "exp_avg", "exp_avg_sq")]
    whole = {*parameters, *(f"weight/{name}" for name in parameters), *moments, "number/learning_rate"}
    of_microbatches = {(1, m, name) for m in range(MICROBATCHES) for name in ("hidden", "hidden_grad", "loss")}
    found = {place for place in entries(recorded / "main") if place[0] == 1}
    assert {(1, None, name) for name in whole} | of_microbatches == found


def test_whole_tensors_and_the_final_state_are_the_ones_of_the_training(recorded, tmp_path):
    model = model_of()
    hidden = []
    model[1].register_forward_hook(lambda _module, _inputs, output: hidden.append(output.detach()))
    model(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(hidden[0], load_file(recorded / "main" / "step-0" / "hidden.0.safetensors")["tensor"])
    final = load_file(recorded / "main" / "final.safetensors")
    last = load_file(recorded / "main" / "step-2" / "optimizer_state" / "0.weight" / "exp_avg.safetensors")["tensor"]
    assert torch.equal(last, final["optimizer_state/0.weight/exp_avg"])


def test_only_chosen_steps_are_kept_whole(tmp_path):
    part = train(tmp_path, record_steps=[1]) / "main"
    assert ["step-1"] == [path.name for path in part.glob("step-*")]
    assert [1] == json.loads((part / "recording.json").read_text())["record_steps"]


def test_it_says_whether_the_loop_came_to_its_end(tmp_path):
    for close in (True, False):
        part = train(tmp_path / str(close), close=close) / "main"
        metadata = json.loads((part / "recording.json").read_text())
        assert (close, close, len(entries(part)) if close else None) == tuple(
            metadata[key] for key in ("complete", "final", "entries")
        )


def test_a_model_is_not_needed_to_close(tmp_path):
    recorder = Recorder(tmp_path)
    recorder.close()
    assert not (tmp_path / "main" / "final.safetensors").exists()
    assert read_recording(tmp_path).complete


def test_parties_write_one_recording_together(tmp_path):
    for party, name in (("rank-0", "first"), ("rank-1", "second")):
        recorder = Recorder(tmp_path, party=party)
        with recorder.step(0) as step:
            step.boundary(name, torch.ones(2))
        recorder.close()
    recording = read_recording(tmp_path)
    assert {Place(0, 0, "first"): "rank-0", Place(0, 0, "second"): "rank-1"} == recording.parties


def test_a_recorder_that_is_not_enabled_writes_nothing(tmp_path):
    train(tmp_path / "not", enabled=False)
    assert not (tmp_path / "not").exists()


def test_names_are_mapped(tmp_path):
    part = train(tmp_path, names=lambda name: f"block.{name}") / "main"
    assert (0, None, "weight/block.0.bias") in entries(part)
    assert "optimizer_state/block.0.bias/exp_avg" in load_file(part / "final.safetensors")


def test_a_tied_weight_and_a_persistent_buffer_are_there_once(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
            self.two.weight = self.one.weight
            self.register_buffer("mean", torch.zeros(2))
            self.register_buffer("mask", torch.zeros(2), persistent=False)

    recorder = Recorder(tmp_path)
    recorder.close(Tied())
    assert {"weights/one.weight", "weights/mean"} == load_file(tmp_path / "main" / "final.safetensors").keys()


def test_norms_and_numbers_are_float64(tmp_path):
    model = nn.Linear(2, 1, bias=False)
    model(torch.ones(2)).backward()
    recorder = Recorder(tmp_path, record_steps=[4])
    with recorder.step(4) as step:
        step.norms(model)
        step.number("grad_norm", torch.tensor(2.5))
    values = {path.stem: load_file(path)["tensor"] for path in tmp_path.rglob("*.safetensors")}
    assert {"weight": torch.tensor(2.0).sqrt().double(), "grad_norm": torch.tensor(2.5, dtype=torch.float64)} == values


def test_calls_outside_of_steps_and_without_gradients_are_not_recorded(tmp_path):
    module = nn.Identity()
    recorder = Recorder(tmp_path)
    recorder.watch("seen", module)
    module(torch.ones(1))
    with recorder.step(0):
        with torch.no_grad():
            module(torch.ones(1))
        module((torch.ones(1), "more"))
    module(torch.ones(1))
    assert [(0, 0, "seen")] == [*entries(tmp_path / "main")]


class TestRefusals:
    def test_a_folder_that_holds_the_part_already(self, recorded):
        with pytest.raises(UnusableError, match="holds a recording already; remove it"):
            Recorder(recorded)

    @pytest.mark.parametrize("party", ["", "..", "a/b", "a\\b", "a\nb"])
    def test_a_party_that_names_no_folder(self, tmp_path, party):
        with pytest.raises(UnusableError, match="cannot name a party"):
            Recorder(tmp_path, party=party)

    @pytest.mark.parametrize("name", ["", "../up", "/root", "a//b", "a\0b", "x" * 201, "é" * 101])
    def test_a_name_that_is_no_file(self, tmp_path, name):
        with Recorder(tmp_path).step(0) as step, pytest.raises(UnusableError, match="cannot be recorded"):
            step.boundary(name, torch.ones(1))

    def test_a_parameter_whose_name_has_a_slash(self, tmp_path):
        model = nn.Module()
        model.register_parameter("block/weight", nn.Parameter(torch.ones(1)))
        model.get_parameter("block/weight").sum().backward()
        with Recorder(tmp_path).step(0) as step, pytest.raises(UnusableError, match="begins with one of norm"):
            step.gradients(model)

    def test_one_name_twice_in_a_step(self, tmp_path):
        recorder = Recorder(tmp_path)
        with recorder.step(0) as step:
            step.loss(torch.ones(()))
            with pytest.raises(UnusableError, match="loss of step 0 is recorded twice in microbatch 0; give each"):
                step.loss(torch.ones(()))
        with recorder.step(1) as step:
            step.loss(torch.ones(()))

    def test_two_tensors_that_would_share_a_file(self, tmp_path):
        with Recorder(tmp_path).step(0) as step:
            step.boundary("layers", torch.ones(1), microbatch=0)
            model = nn.Module()
            model.layers = nn.ParameterList([torch.ones(1)])
            model.layers[0].sum().backward()
            with pytest.raises(UnusableError, match=r"layers\.0 of step 0 is recorded twice"):
                step.gradients(model)

    def test_a_tensor_after_the_end(self, tmp_path):
        recorder = Recorder(tmp_path)
        recorder.close()
        with recorder.step(0) as step, pytest.raises(UnusableError, match="after the recording was closed"):
            step.loss(torch.ones(()))

    def test_a_sparse_gradient(self, tmp_path):
        model = nn.Embedding(3, 2, sparse=True)
        model(torch.tensor([1])).sum().backward()
        with Recorder(tmp_path).step(0) as step, pytest.raises(UnusableError, match=r"give tensor\.to_dense\(\)"):
            step.gradients(model)

    def test_state_of_a_parameter_that_the_model_does_not_name(self, tmp_path):
        model, other = nn.Linear(2, 1), nn.Linear(2, 1)
        optimizer = torch.optim.Adam(model.parameters())
        model(torch.ones(2)).backward()
        optimizer.step()
        with Recorder(tmp_path).step(0) as step, pytest.raises(UnusableError, match="that the model does not name"):
            step.updated(other, optimizer)


def test_importing_the_recorder_loads_nothing_but_torch_and_small_libraries():
    program = "import sys, harness.recorder; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"aiohttp", "grpc", "hypothesis", "matplotlib", "splitlearn", "transformers"}.isdisjoint(loaded)
