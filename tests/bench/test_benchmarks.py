"""The benchmarks measure what they say, with real programs where those are part of it; small, for time is short."""

import json

import pytest
import torch

from harness.bench import single, step_times, trainings
from harness.bench.benchmarks import checkpoint, codecs, proxy, step
from harness.bench.trainings import WARM_UP, single_step
from harness.bench.workbench import open_workbench
from harness.bench.workloads import Workload
from harness.errors import HarnessError
from harness.oracle.reference import train_reference
from harness.proxy.server_process import find_backend
from splitlearn.codecs import CODECS

SMALL = Workload("W0", 3, 16, 2, 16)


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    with open_workbench(tmp_path_factory.mktemp("runs"), find_backend("embedded"), quick=True) as opened:
        yield opened


@pytest.fixture
def small(monkeypatch):
    """One small training of each kind, and the lines of every split one."""
    monkeypatch.setattr(step_times, "WORKLOADS", (SMALL,))
    monkeypatch.setattr(step_times, "MICROBATCHES", (2,))
    monkeypatch.setattr(step_times, "QUICK_PAIRS", 1)
    kept, read = [], trainings.read_lines
    monkeypatch.setattr(trainings, "read_lines", lambda path: kept.append(read(path)) or kept[-1])
    return kept


def test_a_split_step_and_one_of_a_single_process_are_those_of_trainings(workbench, small):
    (found,) = step.measure(workbench)

    ((*steps,),) = small
    assert [each["step"] for each in steps] == list(range(WARM_UP + 2))
    assert {each["positions"] for each in steps} == {2 * 8 * 16}
    assert found.b == (pytest.approx(sum(each["seconds"] for each in steps[WARM_UP:]) / 2),)
    assert (found.name, found.figures["microbatches"], found.figures["steps in a sample"]) == ("step/W0-M2", 2, 2)
    assert (found.a_is, found.b_is) == ("one process", "split, connected directly")


def test_through_the_proxy_all_of_it_passes_the_proxy(workbench, small, monkeypatch):
    carried = []

    def destroy(handle):
        carried.append(handle.byte_counters())

    monkeypatch.setattr("harness.proxy.client.ProxyHandle.destroy", destroy)
    (found,) = proxy.measure(workbench)

    # Four tensors a microbatch, of which two go either way.
    tensors = 2 * 8 * 16 * 16 * 4 * 2 * (WARM_UP + 2)
    assert carried[0].received_upstream > tensors
    assert carried[0].received_downstream > tensors
    assert (found.name, found.b_is) == ("proxy/W0-M2", "split, through the embedded proxy")
    assert len(small) == 1


def test_the_single_process_takes_the_steps_of_the_reference(workbench, monkeypatch, tmp_path):
    config = SMALL.config(workbench.folder, 2, WARM_UP + 1).but(dropout=0.0)
    losses, step_of = [], single._step
    monkeypatch.setattr(single, "_step", lambda *arguments: losses.append(step_of(*arguments)) or losses[-1])

    assert len(single.seconds_of_steps(config)) == WARM_UP + 1
    train_reference(config, tmp_path, ())
    lines = (tmp_path / "reference.jsonl").read_text().splitlines()
    assert losses == pytest.approx([json.loads(line)["loss"] for line in lines], rel=1e-6)


def test_a_program_that_fails_is_named_with_the_end_of_its_log(workbench):
    config = SMALL.config(workbench.folder, 1, 3).but(data="/nowhere/text.txt")

    with pytest.raises(
        HarnessError, match=r"(?s)the single process ended with status 1; its log ends:\n.*nowhere/text.txt"
    ):
        single_step(workbench, config)
    with pytest.raises(HarnessError, match=r"(?s)the client ended with status 2; its log ends:\n.*nowhere/text.txt"):
        trainings.split_step(workbench, config, step.nullcontext)


def test_a_trunk_that_does_not_start_is_named(workbench):
    config = SMALL.config(workbench.folder, 1, 3).but(model="/nowhere/model")

    with pytest.raises(HarnessError, match=r"(?s)trunk ended with status 2; its log ends:\n.*nowhere/model"):
        trainings.split_step(workbench, config, step.nullcontext)


def test_every_codec_is_measured_beside_raw_with_its_error(workbench, monkeypatch):
    monkeypatch.setattr(codecs, "SHAPE", (2, 4, 8))
    monkeypatch.setattr(codecs, "QUICK_SAMPLE", 0.0001)
    found = {each.name.removeprefix("codecs/"): each for each in codecs.measure(workbench)}

    assert next(iter(found)) == "raw"
    assert found.keys() == {*CODECS}
    assert {name: each.a_is for name, each in found.items()} == {
        **dict.fromkeys(CODECS, "raw"),
        "raw": "a copy in memory",
    }
    assert [name for name, each in found.items() if CODECS[name].lossless and each.figures["largest error"]] == []
    assert 0 < found["fp16"].figures["relative L2 error"] < 2**-11
    assert found["fp16"].figures["bytes / raw bytes"] == 0.5
    assert found["raw"].figures["GB/s"] > 0


class Sum:
    """A codec with state: what arrives is the sum of all that was sent."""

    def encode_after(self, state, tensor):
        return bytes(1), {"sum": state.get("sum", 0) + tensor}

    def decode_after(self, state, data, dtype, shape):
        return state.get("sum", torch.zeros(shape)) + 1, {"sum": state.get("sum", torch.zeros(shape)) + 1}


def test_a_codec_with_state_goes_on_from_what_the_last_tensor_left():
    coded = codecs.Coded(Sum(), torch.ones(2))

    assert [coded.once()[1].tolist() for _ in range(3)] == [[1, 1], [2, 2], [3, 3]]


def test_half_a_checkpoint_is_saved_and_restored(workbench, monkeypatch):
    monkeypatch.setattr(checkpoint, "SHAPE", (512, 256))
    restored, load = [], checkpoint.CheckpointStore.load
    monkeypatch.setattr(
        checkpoint.CheckpointStore, "load", lambda *arguments: restored.append(load(*arguments)) or restored[-1]
    )
    save, restore = checkpoint.measure(workbench)

    assert (save.name, restore.name) == ("checkpoint/save", "checkpoint/restore")
    assert save.figures == restore.figures == {"MiB": 8 * 3 * 512 * 256 * 4 >> 20}
    assert len(restored) == len(restore.b)
    assert {len(half.weights) for half in restored} == {8}
    assert {len(half.optimizer_state) for half in restored} == {16}
