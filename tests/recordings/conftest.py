"""A recording, and a copy of it to be corrupted."""

import json
import shutil

import pytest
from loop import Spoiler, train

from harness.cli import main


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """Three steps of which everything was kept whole."""
    return train(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="session")
def digests_only(tmp_path_factory):
    """The same training, of which digests and the final state were kept."""
    return train(tmp_path_factory.mktemp("digests"), record_steps=())


@pytest.fixture
def copy(recorded, tmp_path):
    """A copy that may be corrupted."""
    return Spoiler(shutil.copytree(recorded, tmp_path / "copy") / "main")


@pytest.fixture
def judge(tmp_path):
    """Run `harness judge`; return its exit status and what it wrote as JSON."""

    def run(recording, reference, *flags):
        file = tmp_path / "judged.json"
        file.unlink(missing_ok=True)
        status = main(["judge", str(recording), str(reference), "--json", str(file), *flags])
        return status, json.loads(file.read_text()) if file.exists() else None

    return run
