"""The cost of splitting without a wire: a split step with the trunk in the same process, and an uncut step."""

import itertools

import pytest
import torch
from transformers import GPT2LMHeadModel

from splitlearn.client.step import TrainingStep
from splitlearn.config import TrainingConfig
from splitlearn.data import load_training_data, target_tokens
from splitlearn.determinism import make_deterministic
from splitlearn.models import FAMILY
from splitlearn.models.sources import load_whole
from splitlearn.optimizer import LearningRate
from splitlearn.probe import NullProbe
from splitlearn.runtime import real_runtime
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.local import LocalTrunk

CONFIG = TrainingConfig(model="mini", cuts="1:5", batch_size=8, max_length=128, vocab_size=2048)
STEPS = {"rounds": 3, "iterations": 1, "warmup_rounds": 1}


@pytest.fixture(scope="module")
def data():
    make_deterministic(CONFIG)
    return load_training_data(CONFIG)


@pytest.mark.benchmark(group="step")
def test_split_step(benchmark, data):
    stage, identity = FAMILY.load_client(CONFIG)
    trunk = LocalTrunk(
        CONFIG, identity, lambda: FAMILY.load_trunk(CONFIG)[0], NullProbe(), NullTensorLog(), real_runtime().disk
    )
    schedule = LearningRate(CONFIG, data.total_steps)
    step = TrainingStep(stage, identity, trunk, schedule, CONFIG, NullProbe(), NullTensorLog(), real_runtime().clock)
    numbers = itertools.count()

    def one_step():
        number = next(numbers)
        return step.run(number, data.step(number))

    assert not benchmark.pedantic(one_step, **STEPS).skipped


@pytest.mark.benchmark(group="step")
def test_uncut_step(benchmark, data):
    model: GPT2LMHeadModel = load_whole(CONFIG)
    optimizer = torch.optim.AdamW(model.parameters(), lr=CONFIG.learning_rate)
    numbers = itertools.count()

    def one_step():
        batch = data.step(next(numbers))
        for microbatch in batch:
            output = model(
                input_ids=microbatch.input_ids_BT,
                attention_mask=microbatch.attention_mask_BT,
                labels=microbatch.labels_BT,
                num_items_in_batch=target_tokens(batch),
                use_cache=False,
            )
            output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CONFIG.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        return output.loss

    assert torch.isfinite(benchmark.pedantic(one_step, **STEPS))
