"""How many examples a property takes, and where they leave their files.

An example takes from a millisecond, for a few bytes, to a second, for a whole training. So each property has a number
of its own, and the profile says how many times as many to draw: once, the same ones every time, or more, other ones
every time.
"""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, settings

# Where failing examples are written, as scenarios that a command runs again.
FAILING = Path("reports/runs/failing")


def examples(count, **more):
    """Return the settings of a property that usually takes so many examples."""
    times = settings.default.max_examples // settings.get_profile("no deadline").max_examples
    return settings(
        max_examples=times * count,
        derandomize=times == 1,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        **more,
    )


@contextmanager
def scratch():
    """Provide an empty folder for one example."""
    folder = Path(tempfile.mkdtemp(prefix="property-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
