"""The guides, followed in a project of one's own: the wheel is built, installed and used with nothing of this tree."""

import json
import re
import shlex
import shutil
import sys
import zipfile

import pytest
from docs.conftest import DOCS
from docs.environments import environment, packages_of, run

ROOT = DOCS.parent
# Where a guide says that a file is to be saved, and the file.
SAVED = re.compile(r"save this as\s`(.+?)`.*?```python\n(.*?)```", re.DOTALL)
GUIDES = ("adding-a-link.md", "adding-a-fault.md", "adding-a-check.md", "adding-a-toxic.md")
# Imports every module of a package; those that need a further extra, or only the makers of the package, are named.
IMPORT_ALL = """
import importlib, pkgutil, sys
package, *but = sys.argv[1:]
found = pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")
for module in found:
    if module.name not in but and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
NEED_MORE = ("splitlearn.trunk.metrics", "splitlearn.wire.generate")
ONLY_OF_THE_HARNESS = ("hypothesis", "matplotlib", "psutil", "pytest", "toxiproxy")
OWN_EVERYTHING = '''"""Scenarios of one's own, with a link, a fault, a check, a toxic and a codec of one's own."""

import skipped_steps  # noqa: F401 - it registers its check
from noise import Noise
from train_link import TRAIN
from tunnel import Tunnel

from harness import At, Scenario
from harness.plan.catalogue import SMALL
from harness.plan.scenario import CHECKS

scenario = Scenario(
    "train-in-a-tunnel",
    "Training on a train that goes through a tunnel",
    SMALL.but(codec="fp8"),
    link=TRAIN,
    faults=(
        Tunnel(At("client.forward.sent", step=2, microbatch=0)),
        Noise(At("client.backward.sent", step=3, microbatch=0)),
    ),
    checks=(*CHECKS, "no_step_was_skipped"),
)


def test_training_survives_a_tunnel(run_scenario):
    run_scenario(scenario)
'''


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
    """The interpreter of an environment with the wheel and its extra."""
    return environment(wheel, tmp_path_factory.mktemp("environment"), ["harness"])


@pytest.fixture(scope="module")
def bare_python(wheel, tmp_path_factory):
    """The interpreter of an environment with the wheel alone, such as that of a host of a trunk."""
    return environment(wheel, tmp_path_factory.mktemp("bare"))


@pytest.fixture
def project(tmp_path, python):
    """A project made of what the guides say, with the codec of theirs installed beside the wheel."""
    for guide in GUIDES:
        for name, code in SAVED.findall((DOCS / guide).read_text()):
            (tmp_path / name).write_text(code)
    (tmp_path / "test_tunnel.py").write_text(OWN_EVERYTHING)
    page = (DOCS / "adding-a-codec.md").read_text()
    packages = packages_of(python)
    (packages / "fp8_codec.py").write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0])
    metadata = packages / "fp8_codec-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fp8-codec\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[splitlearn.codecs]\nfp8 = fp8_codec\n")
    return tmp_path


def test_the_wheel_has_every_file_of_both_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for name in ("splitlearn", "harness") for path in (ROOT / name).rglob("*") if path.is_file())
    assert {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts} == packed


def test_a_bare_install_has_what_splitlearn_needs_and_nothing_of_the_harness(bare_python, tmp_path):
    run([bare_python, "-c", IMPORT_ALL, "splitlearn", *NEED_MORE], tmp_path)
    assert "trunk" in run([bare_python.parent / "splitlearn", "--help"], tmp_path)
    look = "import importlib.util, sys; print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name)))"
    seen = run([bare_python, "-c", look, "grpc", *ONLY_OF_THE_HARNESS, "prometheus_client"], tmp_path)
    assert seen.split() == ["grpc"]


def test_the_extra_has_what_the_harness_needs(python, tmp_path):
    run([python, "-c", IMPORT_ALL, "harness"], tmp_path)


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
