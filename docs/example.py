"""Split learning in one process: a GPT-2 cut in three learns a few lines of text.

The client keeps the text and the first and last blocks. The trunk keeps the middle and sees only activations.
Run it with `python docs/example.py`; `docs/example.md` explains it line by line.
"""

import torch

from splitlearn.agreement import agreement
from splitlearn.client.step import TrainingStep
from splitlearn.config import TrainingConfig
from splitlearn.data.batch import pad_to_microbatch
from splitlearn.models import FAMILY
from splitlearn.optimizer import LearningRate
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.local import LocalTrunk
from splitlearn.wire.trunk_link import Hello

TEXT = """The rain in Spain stays mainly in the plain.
She sells sea shells by the sea shore.
A stitch in time saves nine.
All that glitters is not gold."""

# Four blocks: the client has the first and the last, the trunk the two between.
CONFIG = TrainingConfig(model="tiny", cuts="1:3", learning_rate=3e-3, use_scheduler=False)
STEPS = 20


def main() -> None:
    """Train and print the loss of every step."""
    probe, tensor_log, runtime = NullProbe(), NullTensorLog(), real_runtime()

    # The trunk's side: the middle blocks and their optimizer.
    trunk_stage, _ = FAMILY.load_trunk(CONFIG)

    # The client's side: the outer blocks and a link to the trunk. Over a network it would be a `RemoteTrunk`.
    client_stage, identity = FAMILY.load_client(CONFIG)
    trunk = LocalTrunk(CONFIG, identity, lambda: trunk_stage, probe, tensor_log, runtime.disk)
    schedule = LearningRate(CONFIG, STEPS)
    step = TrainingStep(client_stage.train(), identity, trunk, schedule, CONFIG, probe, tensor_log, runtime.clock)

    # One microbatch with a sequence a line; bytes serve as tokens, and short lines are padded.
    lines = [torch.tensor(list(line.encode())) for line in TEXT.splitlines()]
    batch = (pad_to_microbatch(lines),)

    trunk.open(Hello(CONFIG.session, agreement(CONFIG, identity)))
    for number in range(STEPS):
        report = step.run(number, batch)
        print(f"step {report.step:2}  loss {report.loss:.3f}  gradient norm {report.grad_norm:.2f}")


if __name__ == "__main__":
    main()
