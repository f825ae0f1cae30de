"""What the harness needs and the training system does not: it comes with `pip install 'splitlearn[harness]'`."""

from importlib.util import find_spec

from harness.errors import UnusableError

__all__ = ["must_be_installed"]

MODULES = (
    "aiohttp", "greenlet", "hypothesis", "jinja2", "junitparser", "markupsafe", "matplotlib", "psutil", "pytest",
    "toxiproxy",
)  # fmt: skip


def must_be_installed() -> None:
    """Check that every module of the extra is installed, without importing any; raises `UnusableError` otherwise."""
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise UnusableError(f"{', '.join(missing)} not installed; pip install 'splitlearn[harness]'")
