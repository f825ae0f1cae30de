"""Short names for the harness's options, which cannot clash with anyone else's in this repository."""

from harness.plugin import add_options


def pytest_addoption(parser):
    """Add `--proxy`, `--full` and `--cold`."""
    add_options(parser.getgroup("harness").addoption, "--")
