"""The model cut in three and trained in this process, and the batches for it."""

import torch
from exactness.uncut import Outcome

from splitlearn.client.step import TrainingStep
from splitlearn.data.batch import pad_to_microbatch
from splitlearn.models import FAMILY
from splitlearn.optimizer import LearningRate, optimizer_state
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.trunk.local import LocalTrunk
from splitlearn.wire.trunk_link import Hello


class MemoryTensorLog:
    """Keeps every step's gradients."""

    def __init__(self):
        self.steps = {}
        self.boundaries = {}

    def keeps_whole(self, _step):
        """Say no: nothing is fetched over the wire."""
        return False

    def boundary(self, step, microbatch, name, tensor):
        """Keep a tensor that crosses a cut."""
        self.boundaries[step, microbatch, name] = tensor.detach().clone()

    def gradients(self, step, gradients):
        """Keep a step's gradients."""
        self.steps[step] = {name: gradient.clone() for name, gradient in gradients.items()}

    def norms(self, step, norms, total):
        """Keep nothing."""

    def update(self, step, party, numbers, weights):
        """Keep nothing."""


def batches_of(*, steps=3, microbatches=1, ragged=True, rows=2, length=12, vocabulary=300, seed=0):
    """Random token sequences; ragged ones have their own length each and are padded."""
    generator = torch.Generator().manual_seed(seed)

    def sequence():
        size = int(torch.randint(3, length + 1, (), generator=generator)) if ragged else length
        return torch.randint(1, vocabulary, (size,), generator=generator)

    return [
        tuple(pad_to_microbatch([sequence() for _ in range(rows)]) for _ in range(microbatches)) for _ in range(steps)
    ]


class SplitRun:
    """A client's training step with a trunk, by default one in this process."""

    def __init__(self, config, total_steps, link=None, trunk_config=None):
        self.config = config
        self.stage, self.identity = FAMILY.load_client(config)
        self.client_tensor_log, self.trunk_tensor_log = MemoryTensorLog(), MemoryTensorLog()
        trunk_config = trunk_config or config
        self.trunk = link or LocalTrunk(
            trunk_config,
            self.identity,
            lambda: FAMILY.load_trunk(config)[0],
            NullProbe(),
            self.trunk_tensor_log,
            real_runtime().disk,
        )
        self.step = TrainingStep(
            self.stage.train(),
            self.identity,
            self.trunk,
            LearningRate(config, total_steps),
            config,
            NullProbe(),
            self.client_tensor_log,
            real_runtime().clock,
        )

    def train(self, batches):
        """Train on every batch, with a trunk in this process by default, and collect the results."""
        outcome = Outcome()
        self.trunk.open(Hello("default", {}))
        for number, batch in enumerate(batches):
            report = self.step.run(number, batch)
            outcome.losses.append(report.loss)
            outcome.norms.append(report.grad_norm)
            if report.skipped:
                outcome.skipped.append(number)
        self.trunk.commit(self.step.pending_commit)
        session = self.trunk._session
        client = self.step.parameters
        outcome.weights = {**{name: p.detach() for name, p in client.items()}, **session.weights()}
        for step in range(len(batches)):
            both = {**self.client_tensor_log.steps[step], **self.trunk_tensor_log.steps[step]}
            outcome.gradients.append({name: both[name] for name in self.identity.parameter_order if name in both})
        outcome.optimizer_state = {**optimizer_state(self.step.optimizer, client), **session.optimizer_state()}
        return outcome


def train_split(config, batches, trunk_config=None):
    """Train the cut model in this process."""
    return SplitRun(config, len(batches), trunk_config=trunk_config).train(batches)
