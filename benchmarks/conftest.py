import pytest
import torch

SAID = pytest.StashKey()


def pytest_configure(config):
    config.stash[SAID] = []


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Timings of two threads on a busy machine say more about the machine."""
    torch.set_num_threads(1)


@pytest.fixture
def say(pytestconfig):
    """Return a function that puts a line below the tables of the benchmarks: for ratios of figures of one run."""
    return pytestconfig.stash[SAID].append


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[SAID]:
        terminalreporter.line(line)
