"""Whole runs of the client, and what they leave on the disk."""

import torch
from exactness.cut import batches_of
from exactness.uncut import same_bits
from safetensors.torch import load_file

from splitlearn.client.stopping import StopRequest
from splitlearn.client.trainer import Trainer
from splitlearn.data import Tokenizer, TrainingData
from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.runtime.simulated import ManualClock
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.local import LocalTrunk
from splitlearn.wire.checksum import checksum_of
from splitlearn.wire.direct import DirectTransport
from splitlearn.wire.errors import WireError
from splitlearn.wire.methods import METHODS
from splitlearn.wire.outcome import Failed, Ready
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk


class CrashError(BaseException):
    """Stands for the death of a process, after which nothing is cleaned up."""


class CrashingProbe:
    """Crashes once, at a point; records every point that was passed."""

    def __init__(self, name="", step=None):
        self.place, self.passed = (name, step), []

    def point(self, name, step=None, _microbatch=None, **_):
        """Crash at the chosen point."""
        self.passed.append((name, step))
        if self.place == (name, step):
            self.place = None
            raise CrashError(name)


class NamedTokenizer(Tokenizer):
    """What a run needs of a tokenizer once the text has been read."""

    def fingerprint(self):
        return "the tokenizer of these tests"

    def recipe(self):
        return "0" * 64

    def files(self):
        """Return a file that identifies the tokenizer."""
        return {"tokenizer.json": b"{}"}


def data_of(config, count=24):
    """Return sequences of different lengths; only the tokenizer's name is needed."""
    (batch,) = batches_of(steps=1, rows=count)[0]
    lengths = batch.attention_mask_BT.sum(1).tolist()
    sequences = tuple(row[:length] for row, length in zip(batch.input_ids_BT, lengths, strict=True))
    return TrainingData(config=config, tokenizer=NamedTokenizer(None, 300, 0), sequences=sequences, skipped_lines=0)


def local_trunk(config, probe=None, runtime=None):
    """Return a trunk in this process."""
    identity = FAMILY.load_client(config)[1]
    return LocalTrunk(
        config,
        identity,
        lambda: FAMILY.load_trunk(config)[0],
        probe or NullProbe(),
        NullTensorLog(),
        (runtime or real_runtime()).disk,
    )


def train(config, trunk, *, resume=False, probe=None, data=None, stop=None, take_over=False, runtime=None):
    """Run the client to its end."""
    runtime = runtime or real_runtime()
    stage, identity = FAMILY.load_client(config)
    trainer = Trainer(
        stage,
        lambda: FAMILY.load_client(config)[0],
        identity,
        trunk,
        data or data_of(config),
        config,
        probe or NullProbe(),
        NullTensorLog(),
        runtime,
        stop or StopRequest(runtime.clock),
    )
    return trainer.train(resume=resume if isinstance(resume, str) else "must" if resume else "no", take_over=take_over)


def final_state(config, step=None):
    """Read both halves of the newest checkpoint."""
    state = {}
    for role in ("client", "trunk"):
        folder = config.save_dir / config.session / role
        path = folder / f"step-{step:08d}.safetensors" if step else max(folder.glob("step-*"))
        state |= {f"{path.name}/{name}": tensor for name, tensor in load_file(path).items()}
    return state


def assert_same(expected, actual):
    """Check that two final states have the same bits; name the first tensor that differs."""
    assert expected.keys() == actual.keys()
    assert next((name for name in expected if not same_bits(expected[name], actual[name])), "") == ""


def fail(error):
    """Raise an error, where the syntax allows only an expression."""
    raise error


def direct(service):
    """Return the transport to a service in this process."""
    return DirectTransport(Dispatch(service))


class ScriptedTransport(DirectTransport):
    """A transport to a service in this process, for which a test may answer instead.

    `answer` is told every method and request, and returns an error or a message instead of the trunk's own reply;
    None leaves the request to the trunk.
    """

    def __init__(self, service, answer):
        super().__init__(Dispatch(service))
        self.answer = answer

    def call(self, method, request, timeout):
        """Answer as the script says, or as the trunk does."""
        of = METHODS[method]
        answer = self.answer(method, of.read_request(request))
        if isinstance(answer, WireError):
            return Failed(answer)
        if answer is not None:
            return Ready(next(of.write_replies([answer], checksum_of(request))))
        return super().call(method, request, timeout)


def remote_trunk(transport, config, on_failure=lambda: None):
    """Return a link over a transport, with the client's own retries."""
    calls = ReliableCalls(transport, RetryPolicy(60.0, 1e6), ManualClock(), lambda *_: on_failure())
    return RemoteTrunk(calls, config, real_runtime())


def state_of(stage):
    """Copy weights and buffers and say whether any gradient is there."""
    return {name: tensor.clone() for name, tensor in stage.state_dict().items()}, any(
        isinstance(p.grad, torch.Tensor) for p in stage.parameters()
    )
