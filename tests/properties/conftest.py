"""What the properties share."""

import logging

import pytest


@pytest.fixture(scope="session", autouse=True)
def _tokens_of_their_own(tmp_path_factory):
    """Drawn texts do not fill the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _without_warnings_of_short_texts():
    """A line cut short and a tokenizer of its own are what is drawn, thousands of times."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    yield
    logging.disable(before)
