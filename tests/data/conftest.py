import pytest
from hypothesis import settings

from splitlearn.config import TrainingConfig
from splitlearn.data import load_tokenizer

# How long an example takes depends on what else the machine does; pytest bounds the whole test.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True, scope="package")
def private_cache(tmp_path_factory):
    """Keep the tests away from the network and from the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        # The library reads the variable when it is imported, which may have happened already.
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        yield


@pytest.fixture(scope="package")
def tokenizer():
    """The tokenizer of the default configuration."""
    return load_tokenizer(TrainingConfig())


@pytest.fixture
def write(tmp_path):
    """Write bytes or text to a file and give its path as the setting `data` takes it."""

    def write_file(content):
        path = tmp_path / "corpus.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write_file
