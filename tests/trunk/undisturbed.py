"""What a trunk answers to a run that nothing disturbs.

Shapes: B sequences, T positions, H hidden width.
"""

import torch

from splitlearn.models import FAMILY
from splitlearn.models.family import fingerprint
from splitlearn.probe import NullProbe
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.session import TrunkSession
from splitlearn.wire.trunk_link import Commit, Position

MICROBATCHES = 3
STEPS = 4
SKIPPED = 1  # the step that the client gives up


def commit_of(step):
    return Commit(step, 0.01 * (step + 1), 0.5, skip=step == SKIPPED)


class Undisturbed:
    """A run whose requests arrive once and in order, and everything that it answers."""

    def __init__(self, config, seed=1):
        generator = torch.Generator().manual_seed(seed)
        self.config = config
        self.mask_BT = torch.ones(2, 6, dtype=torch.int64)
        shape = (STEPS, MICROBATCHES, 2, 6, 32)
        # Each with a memory of its own, as those that come over the wire.
        self.smashed, self.features_grad = (
            {(i, j): torch.randn(shape[2:], generator=generator) for i in range(STEPS) for j in range(MICROBATCHES)}
            for _ in range(2)
        )
        self.features, self.smashed_grad, self.norms, self.gradients, self.weights = {}, {}, {}, {}, []
        session = self.session(10**9)
        self.weights.append(fingerprint(session.weights()))
        for step in range(STEPS):
            places = [Position(step, i, MICROBATCHES) for i in range(MICROBATCHES)]
            for at in places:
                self.features[at] = session.forward(at, self.smashed[step, at.microbatch], self.mask_BT, None)
            for at in places:
                result = session.backward(at, self.features_grad[step, at.microbatch])
                self.smashed_grad[at] = result.smashed_grad_BTH
            self.norms[step] = result.norms
            self.gradients[step] = {name: gradient.clone() for name, gradient in session.gradients().items()}
            session.commit(commit_of(step))
            self.weights.append(fingerprint(session.weights()))

    def session(self, max_bytes):
        """Open a fresh session that keeps at most so many bytes."""
        config = self.config.model_copy(update={"max_pending_bytes": max_bytes})
        return TrunkSession(FAMILY.load_trunk(config)[0], config, NullProbe(), NullTensorLog())
