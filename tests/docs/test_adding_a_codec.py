"""docs/adding-a-codec.md, done as its reader would: one file in a project of his own, and an entry point."""

import json
import os
import re
import subprocess
import sys

import pytest
import torch
from docs.conftest import DOCS

from splitlearn.codecs import CODECS
from splitlearn.registry import CODECS as REGISTRY
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor


def installed(folder):
    """Write the page's file, and what installing its project would leave; returns an environment that finds both."""
    page = (DOCS / "adding-a-codec.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (declaration,) = re.findall(r'```toml\n\[project.entry-points."(.*?)"\]\n(.*?)```', page, re.DOTALL)
    (folder / "bf16_codec.py").write_text(code)
    metadata = folder / "bf16_codec-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bf16-codec\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{declaration[0]}]\n{declaration[1].replace(chr(34), '')}")
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture
def no_other_codecs(monkeypatch):
    monkeypatch.setattr(REGISTRY, "registered", dict(REGISTRY.registered))


@pytest.mark.usefixtures("no_other_codecs")
def test_the_codec_of_the_page_carries_tensors_within_its_bound(names_of_page):
    names_of_page("adding-a-codec.md")
    sent = torch.randn(3, 5, 7)
    spec = TensorSpec("sent", torch.float32, (3, 5, 7), 1000)

    received = decode_tensor(encode_tensor(sent, "bf16", 1000), spec)

    assert (received - sent).abs().le(sent.abs() * 2**-8).all()
    with pytest.raises(ValueError, match="bytes instead of"):
        CODECS["bf16"].decode(b"\0" * 5, torch.float32, (3,))


def test_client_trunk_and_harness_know_a_codec_that_is_installed(tmp_path):
    environment = installed(tmp_path)
    argv = [sys.executable, "-m", "harness", "run", "bf16", "--runs", "runs", "--json", "said.json"]

    run = subprocess.run(argv, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads((tmp_path / "said.json").read_text())["verdict"] == "PASS"
