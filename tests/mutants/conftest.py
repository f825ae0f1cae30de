"""What the tests of mutants share: one warmed parent and one set of references for all trials."""

import pytest

from harness.engine.testbed import open_testbed
from harness.mutants import MUTANTS, load_mutants
from harness.mutants.trial import try_mutant
from harness.proxy.server_process import find_backend

load_mutants()


@pytest.fixture(scope="session")
def testbed(tmp_path_factory):
    """A testbed with the embedded proxy server."""
    with open_testbed(tmp_path_factory.mktemp("runs"), find_backend("embedded")) as opened:
        yield opened


@pytest.fixture
def trial(testbed):
    """Return a function that tries the mutant of a name."""
    return lambda name: try_mutant(MUTANTS[name], testbed)
