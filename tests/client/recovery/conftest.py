"""A short run, and its final state when nothing disturbs it."""

import pytest
from client.runs import final_state, local_trunk, train


@pytest.fixture
def run(config):
    """Twelve steps of two microbatches, with a checkpoint every four."""
    return config.but(max_length=24, batch_size=2, gradient_accumulation_steps=2, num_epochs=2, save_interval=4)


@pytest.fixture(scope="session")
def calm_runs():
    """Final states of undisturbed runs, by dropout."""
    return {}


@pytest.fixture
def undisturbed(run, tmp_path, calm_runs):
    """The final state of the undisturbed run."""
    if run.dropout not in calm_runs:
        calm = run.but(save_dir=tmp_path / "calm")
        assert train(calm, local_trunk(calm)).steps == 12
        calm_runs[run.dropout] = final_state(calm)
    return calm_runs[run.dropout]


@pytest.fixture
def without_dropout(run):
    """For a client and a trunk that compute in two threads of one process, and so share torch's generator."""
    return run.but(dropout=0.0)


@pytest.fixture
def undisturbed_without_dropout(without_dropout, tmp_path, calm_runs):
    """The final state of the undisturbed run without dropout."""
    if without_dropout.dropout not in calm_runs:
        calm = without_dropout.but(save_dir=tmp_path / "calm")
        train(calm, local_trunk(calm))
        calm_runs[without_dropout.dropout] = final_state(calm)
    return calm_runs[without_dropout.dropout]
