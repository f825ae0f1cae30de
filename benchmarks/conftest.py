import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Timings of two threads on a busy machine say more about the machine."""
    torch.set_num_threads(1)
