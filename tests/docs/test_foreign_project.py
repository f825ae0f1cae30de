"""The guides, followed in a project of one's own: the wheel is built, installed and used with nothing of this tree."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from docs.conftest import DOCS

ROOT = DOCS.parent
DEADLINE = 240.0
# Where a guide says that a file is to be saved, and the file.
SAVED = re.compile(r"save this as\s`(.+?)`.*?```python\n(.*?)```", re.DOTALL)
GUIDES = ("adding-a-link.md", "adding-a-fault.md", "adding-a-check.md")
OWN_EVERYTHING = '''"""Scenarios of one's own, with a link, a fault, a check and a codec of one's own."""

import skipped_steps  # noqa: F401 - it registers its check
from train_link import TRAIN
from tunnel import Tunnel

from harness import At, Scenario
from harness.plan.catalogue import SMALL
from harness.plan.scenario import CHECKS

scenario = Scenario(
    "train-in-a-tunnel",
    "Training on a train that goes through a tunnel",
    SMALL.but(codec="bf16"),
    link=TRAIN,
    faults=(Tunnel(At("client.forward.sent", step=2, microbatch=0)),),
    checks=(*CHECKS, "no_step_was_skipped"),
)


def test_training_survives_a_tunnel(run_scenario):
    run_scenario(scenario)
'''


def run(argv, cwd):
    """Run a program without anything of this tree on its path; gives its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(
        [*map(str, argv)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree, built from a copy, so that nothing is left in it."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("splitlearn", "harness"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = ["wheel", ".", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "dist"]
    run([sys.executable, "-m", "pip", "--quiet", *build], source)
    (built,) = (source / "dist").glob("splitlearn-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of an environment with the wheel; the libraries are those of this one, for they are large."""
    folder = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", "--without-pip", folder], folder)
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", wheel]
    run([sys.executable, "-m", "pip", "--python", python, *install], folder)
    packages = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip())
    # Paths that are named there come last, and `.pth` files in them, such as that of an editable install, do not count.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.fixture
def project(tmp_path, python):
    """A project made of what the guides say, with the codec of theirs installed beside the wheel."""
    for guide in GUIDES:
        (name, code), *_ = SAVED.findall((DOCS / guide).read_text())
        (tmp_path / name).write_text(code)
    (tmp_path / "test_tunnel.py").write_text(OWN_EVERYTHING)
    page = (DOCS / "adding-a-codec.md").read_text()
    packages = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], tmp_path).strip())
    (packages / "bf16_codec.py").write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0])
    metadata = packages / "bf16_codec-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bf16-codec\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[splitlearn.codecs]\nbf16 = bf16_codec\n")
    return tmp_path


def test_the_wheel_has_every_file_of_both_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for name in ("splitlearn", "harness") for path in (ROOT / name).rglob("*") if path.is_file())
    assert {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts} == packed


def test_scenarios_of_ones_own_run_where_only_the_wheel_is_installed(project, python):
    where = "import harness, splitlearn; print(harness.__file__, splitlearn.__file__)"
    assert str(ROOT) not in run([python, "-c", where], project)

    told = run([python, "-m", "pytest", "--harness-proxy", "embedded", "-p", "no:cacheprovider"], project)

    assert "1 passed" in told
    assert "train-in-a-tunnel" in (project / "reports/runs/scenarios.html").read_text()
    (folder,) = (project / "reports/runs").glob("*-train-in-a-tunnel")
    judged = json.loads((folder / "verdict.json").read_text())
    checks = {check["name"]: check["verdict"] for check in judged["checks"]}
    assert ("PASS", "PASS", "PASS") == (judged["verdict"], checks["no_step_was_skipped"], checks["faults"])
    assert f"harness replay {folder}" == judged["replay"]

    told = run([python.parent / "harness", *shlex.split(judged["replay"])[1:]], project)

    assert "verdict: PASS" in told
