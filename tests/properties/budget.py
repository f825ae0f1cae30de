"""How many examples a property takes, and where they leave their files.

Without a word the examples are the same ones every time. `--hypothesis-profile=thorough` draws other and many more.
"""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, settings

THOROUGH = "thorough"
TIMES = 40
# Where failing examples are written, as scenarios that a command runs again.
FAILING = Path("reports/runs/failing")

settings.register_profile(THOROUGH, deadline=None, print_blob=True)


def examples(count):
    """Return the settings of a property that takes so many examples, or `TIMES` as many in the thorough profile."""
    if settings.get_current_profile_name() == THOROUGH:
        return settings(max_examples=TIMES * count, suppress_health_check=list(HealthCheck), print_blob=True)
    return settings(
        max_examples=count, derandomize=True, suppress_health_check=list(HealthCheck), deadline=None, print_blob=True
    )


@contextmanager
def scratch():
    """Provide an empty folder for one example."""
    folder = Path(tempfile.mkdtemp(prefix="property-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
