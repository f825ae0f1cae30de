import math
from itertools import pairwise

import pytest
import torch
from client.runs import data_of, direct, local_trunk, remote_trunk, state_of
from exactness.cut import SplitRun, batches_of, train_split
from exactness.uncut import difference, load_uncut, same_bits
from trunk.server import hello_of, service_of

from splitlearn.client.inference import Sampling, evaluate, generate
from splitlearn.models import FAMILY
from splitlearn.wire.trunk_link import Hello


@pytest.fixture(params=["local", "remote"])
def trunk(request, config):
    link = local_trunk(config) if request.param == "local" else remote_trunk(direct(service_of(config)), config)
    link.open(hello_of(config))
    return link


@pytest.fixture
def client(config):
    return FAMILY.load_client(config)


def continued(client, trunk, config, prompt=(5, 6), **changes):
    sampling = Sampling(**{"max_new_tokens": 8, "temperature": 1.0, "top_k": 0, **changes})
    return list(generate(client[0], client[1], trunk, list(prompt), sampling, config))


def test_the_loss_is_that_of_the_uncut_model(client, trunk, config):
    data = data_of(config)
    result = evaluate(client[0], trunk, data, config)
    model, total, tokens = load_uncut(config).eval(), 0.0, 0
    for sequence in data.sequences:
        with torch.no_grad():
            mean = model(input_ids=sequence[None], labels=sequence[None], use_cache=False).loss
        total += float(mean) * (len(sequence) - 1)
        tokens += len(sequence) - 1

    assert tokens == result.tokens
    assert total / tokens == pytest.approx(result.loss, rel=1e-5)
    assert math.exp(result.loss) == result.perplexity


def test_reading_changes_nothing(client, trunk, config):
    stage, _ = client
    stage.train()
    before, _ = state_of(stage)
    evaluate(stage, trunk, data_of(config), config)
    continued(client, trunk, config)
    after, has_gradients = state_of(stage)

    assert all(same_bits(before[name], after[name]) for name in before)
    assert not has_gradients
    assert stage.training, "training goes on with dropout"


def test_evaluation_between_steps_leaves_the_run_as_it_was(config):
    """Seen red with an evaluation that left the stage without dropout."""

    class Evaluating(SplitRun):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            run = self.step.run
            self.step.run = lambda number, batch: (
                evaluate(self.stage, self.trunk, data_of(config), config),
                run(number, batch),
            )[1]

    batches = batches_of(microbatches=2)
    assert difference(train_split(config, batches), Evaluating(config, len(batches)).train(batches)) == ""


def test_a_seed_decides_the_text(client, trunk, config):
    expected = continued(client, trunk, config)

    assert expected == continued(client, trunk, config)
    assert expected != continued(client, trunk, config.but(seed=8))


def test_temperature_zero_takes_the_likeliest_token_of_the_uncut_model(client, trunk, config):
    model, ids = load_uncut(config).eval(), [5, 6]
    for _ in range(8):
        with torch.no_grad():
            ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))

    assert ids[2:] == continued(client, trunk, config, temperature=0)
    assert ids[2:] == continued(client, trunk, config, top_k=1)


def test_top_k_larger_than_the_vocabulary_is_all_of_it(client, trunk, config):
    assert continued(client, trunk, config) == continued(client, trunk, config, top_k=10**6)


def test_a_text_longer_than_the_model_goes_on(client, trunk, config):
    assert len(continued(client, trunk, config, prompt=range(1, 30), max_new_tokens=40)) == 40


def test_each_token_comes_when_it_is_known(client, trunk, config):
    stage, identity = client
    tokens = generate(stage, identity, trunk, [5], Sampling(3, 1.0, 0), config)

    assert len([next(tokens) for _ in range(3)]) == 3
    assert list(tokens) == []


def test_a_trunk_keeps_nothing_of_inference(client, config):
    service = service_of(config)
    link = remote_trunk(direct(service), config)
    incarnation = link.open(Hello("reader", hello_of(config).agreement)).incarnation
    evaluate(client[0], link, data_of(config), config)
    session = service._sessions.get("reader", incarnation).session

    assert (session._tape.nbytes, session.gradients(), session.applied_step) == (0, {}, 0)


def test_a_run_learns(config):
    """The loss of one batch, trained on repeatedly, keeps falling."""
    batch = batches_of(steps=1)[0]
    losses = train_split(config.but(dropout=0.0, learning_rate=1e-3), [batch] * 8).losses

    assert all(later < earlier for earlier, later in pairwise(losses))


def test_what_training_adds_to_the_loss_is_not_in_the_evaluation(client, trunk, config):
    data = data_of(config)
    plain = evaluate(client[0], trunk, data, config)

    assert plain == evaluate(client[0], trunk, data, config.but(label_smoothing=0.3, loss_type="z_loss"))
