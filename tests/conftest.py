"""What every test of the training system shares: torch's state, set once, and no network."""

import os

# Read when the library is imported.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import pytest
import torch
from hypothesis import settings
from transformers import GPT2Config, GPT2LMHeadModel

from splitlearn.config import TrainingConfig
from splitlearn.config.environment import without_settings

pytest.register_assert_rewrite("client.runs", "exactness.cut", "exactness.uncut", "peer", "trunk.calling")

# A developer's own settings are not the tests'.
for variable in os.environ.keys() - without_settings(os.environ).keys():
    del os.environ[variable]

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

# How long an example takes depends on what else the machine does; pytest bounds the whole test.
USUAL = settings(deadline=None)
settings.register_profile("no deadline", USUAL)
# For many more examples, `HYPOTHESIS_PROFILE=thorough pytest tests/properties`; a failing one says how to repeat it.
settings.register_profile("thorough", USUAL, max_examples=20 * USUAL.max_examples, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "no deadline"))


def pytest_collection_modifyitems(config, items):
    """Give tests of more examples more time."""
    times = settings.default.max_examples / USUAL.max_examples
    for item in items if times > 1 else ():
        item.add_marker(pytest.mark.timeout(times * float(config.getini("timeout"))))


VOCABULARY = 300
POSITIONS = 24


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """Return a function from settings of `GPT2Config` to a Hugging Face folder with such a model, made once."""
    folders = {}

    def folder_of(**settings):
        key = tuple(sorted(settings.items()))
        if key not in folders:
            sizes = {"n_layer": 4, "n_embd": 32, "n_head": 4, "vocab_size": VOCABULARY, "n_positions": POSITIONS}
            torch.manual_seed(0)
            model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0, **settings))
            folders[key] = tmp_path_factory.mktemp("model")
            model.save_pretrained(folders[key])
        return folders[key]

    return folder_of


@pytest.fixture
def config(small_model, tmp_path):
    """A run of the small model with dropout and clipping on."""
    return TrainingConfig(
        model=str(small_model()), save_dir=tmp_path / "checkpoints", learning_rate=1e-2, max_grad_norm=0.5, seed=7
    )
