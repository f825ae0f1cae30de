"""Short names of the harness's options; the scenarios here are its own, so nobody else's are in the way."""

from harness.plugin import add_options


def pytest_addoption(parser):
    """Add `--proxy`, `--full` and `--cold`."""
    add_options(parser.getgroup("harness").addoption, "--")
