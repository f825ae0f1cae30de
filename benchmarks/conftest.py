import pytest
import torch

SAID = pytest.StashKey()


def pytest_configure(config):
    config.stash[SAID] = []


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Use one thread: with two on a busy machine, timings say more about the machine than about the code."""
    torch.set_num_threads(1)


@pytest.fixture
def say(pytestconfig):
    """Return a function that prints a line below the benchmarks' tables, for ratios of figures from the same run."""
    return pytestconfig.stash[SAID].append


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[SAID]:
        terminalreporter.line(line)
