"""Whole runs of the client, and what they leave on the disk."""

import random

import torch
from exactness.cut import batches_of
from exactness.uncut import same_bits
from safetensors.torch import load_file

from splitlearn.client.stopping import StopRequest
from splitlearn.client.trainer import Trainer
from splitlearn.data import Tokenizer, TrainingData
from splitlearn.models import FAMILY
from splitlearn.probe import NullProbe
from splitlearn.recorder import NullRecorder
from splitlearn.runtime import real_runtime
from splitlearn.trunk.local import LocalTrunk
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.reliable import ReliableCalls, RetryPolicy
from splitlearn.wire.remote import RemoteTrunk

METHODS = {
    "OpenSession": ("open_session", pb.OpenSessionRequest),
    "Compute": ("compute", pb.ComputeRequest),
    "Backward": ("backward", pb.BackwardRequest),
    "SyncTrainingState": ("sync_training_state", pb.SyncTrainingStateRequest),
}


class CrashError(BaseException):
    """Stands for the death of a process, which cleans nothing up."""


class CrashingProbe:
    """Dies at a point, once; notes every point that was passed."""

    def __init__(self, name="", step=None):
        self.place, self.passed = (name, step), []

    def point(self, name, step=None, _microbatch=None, **_):
        """Die where it was asked for."""
        self.passed.append((name, step))
        if self.place == (name, step):
            self.place = None
            raise CrashError(name)


class NamedTokenizer(Tokenizer):
    """What is left of a tokenizer when the text has been read."""

    def fingerprint(self):
        return "the tokenizer of these tests"

    def recipe(self):
        return "0" * 64

    def files(self):
        """Say whose it is."""
        return {"tokenizer.json": b"{}"}


def data_of(config, count=24):
    """Sequences of their own lengths; of the tokenizer only its name is needed any more."""
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
        NullRecorder(),
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
        NullRecorder(),
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
    """Check that two final states have the same bits; name the first tensor that has not."""
    assert expected.keys() == actual.keys()
    assert next((name for name in expected if not same_bits(expected[name], actual[name])), "") == ""


def fail(error):
    """Raise where only an expression may stand."""
    raise error


class DirectTransport:
    """Carries messages to a service in this process, as bytes."""

    def __init__(self, service):
        self.service = service

    def call(self, method, request, _timeout):
        """Carry the request out at once."""
        name, kind = METHODS[method]
        try:
            reply = getattr(self.service, name)(kind.FromString(request.SerializeToString()))
        except WireError as error:
            return Outcome(error)
        return Outcome(type(reply).FromString(reply.SerializeToString()))

    def stream(self, _method, request, _timeout):
        """Carry out the one method that has many replies."""
        return self.service.get_gradients(request)

    def renew(self):
        """Do nothing."""

    def close(self):
        """Do nothing."""


class Outcome:
    """A reply or a failure that is there already."""

    def __init__(self, value):
        self.value = value

    def result(self):
        """Return it."""
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class LossyTransport:
    """Loses requests and replies, carries requests twice and damages bytes, as a seeded generator decides."""

    def __init__(self, inner, seed, share=0.3):
        self.inner, self.random, self.share = inner, random.Random(seed), share  # noqa: S311 - repeatable, not secret
        self.lost_requests = self.lost_replies = self.doubled = self.damaged = 0

    def call(self, method, request, timeout):
        """Carry the request, perhaps."""
        if self.random.random() > self.share:
            return self.inner.call(method, request, timeout)
        fault = self.random.choice(["request", "reply", "double", "damage"])
        lost = Outcome(WireError(Reason.TRANSPORT, "lost", Code.UNAVAILABLE))
        if fault == "request":
            self.lost_requests += 1
            return lost
        answer = self.inner.call(method, request, timeout)
        if fault == "reply":
            self.lost_replies += 1
            return lost
        if fault == "damage" and method == "Compute" and isinstance(getattr(answer, "value", None), pb.ComputeReply):
            self.damaged += 1
            data = bytearray(answer.value.features.data)
            data[self.random.randrange(len(data))] ^= 1
            answer.value.features.data = bytes(data)
            return answer
        self.doubled += 1
        return self.inner.call(method, request, timeout)

    def stream(self, method, request, timeout):
        """Carry the request."""
        return self.inner.stream(method, request, timeout)

    def renew(self):
        """Do nothing."""

    def close(self):
        """Do nothing."""
        self.inner.close()


class StoppedClock:
    """Time does not pass, so that retry_timeout never ends."""

    def now(self):
        """Return the same time always."""
        return 0.0

    def sleep(self, seconds):
        """Return at once."""


def remote_trunk(transport, config, on_failure=lambda: None):
    """Return a link over a transport, with the client's own way of repeating requests."""
    calls = ReliableCalls(transport, RetryPolicy(60.0, 1e6), StoppedClock(), lambda *_: on_failure())
    return RemoteTrunk(calls, config)


def state_of(stage):
    """Copy weights and buffers and say whether any gradient is there."""
    return {name: tensor.clone() for name, tensor in stage.state_dict().items()}, any(
        isinstance(p.grad, torch.Tensor) for p in stage.parameters()
    )
