"""docs/adding-a-codec.md, followed as its reader would: one file in a separate project, and an entry point."""

import json
import os
import re
import subprocess
import sys

import pytest
import torch
from docs.conftest import DOCS

from splitlearn.registry import CODECS
from splitlearn.wire.tensors import TensorSpec, decode_tensor, encode_tensor

PAGE = (DOCS / "adding-a-codec.md").read_text()
CODES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
# Full blocks, so that shapes stay the same and the error feedback works; duplicated requests, lost replies, and kills
# of both parties.
SCENARIO = """
from harness.plan.catalogue import SMALL
from harness.plan.faults import Kill, MessageFault
from harness.plan.scenario import Scenario
from harness.trace.place import At

scenario = Scenario(
    "paying-back",
    "Error feedback through repeated requests, kills and a resume",
    SMALL.but(codec="error-feedback", data_format="packed", max_length=32, max_steps=9, save_interval=2),
    faults=(
        MessageFault(At("client.forward.sending", 1, 1), "duplicate", "Compute"),
        MessageFault(At("client.backward.sending", 2, 0), "lose-reply", "Backward"),
        Kill(At("client.backward.sent", 3, 1), ("trunk",)),
        Kill(At("client.forward.sent", 5, 2), ("client",)),
        Kill(At("trunk.commit.applied", 6), ("client", "trunk")),
    ),
)
"""


def installed(folder):
    """Write the page's files, and what installing their project would leave; returns an environment that finds them."""
    (declaration,) = re.findall(r'```toml\n\[project.entry-points."(.*?)"\]\n(.*?)```', PAGE, re.DOTALL)
    for module, code in zip(("fp8_codec", "error_feedback"), CODES, strict=True):
        (folder / f"{module}.py").write_text(code)
    metadata = folder / "fp8_codec-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fp8-codec\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[{declaration[0]}]\n{declaration[1].replace(chr(34), '')}error-feedback = error_feedback\n"
    )
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture
def codecs():
    """The codecs, for a test that adds one to them."""
    yield CODECS
    CODECS.registered.pop("fp8")


def test_the_codec_of_the_page_carries_tensors_within_its_bound(codecs):
    exec(compile(CODES[0], "adding-a-codec.md", "exec"), {"__name__": "page"})  # noqa: S102 - the page is ours
    sent = torch.randn(3, 5, 7)
    spec = TensorSpec("sent", torch.float32, (3, 5, 7), 1000)

    received = decode_tensor(encode_tensor(sent, "fp8", 1000), spec)

    assert (received - sent).abs().le(sent.abs().clamp(min=2**-14) * 2**-3).all()
    with pytest.raises(ValueError, match="bytes instead of"):
        codecs["fp8"].decode(b"\0" * 5, torch.float32, (3,))


@pytest.mark.parametrize("named", ["fp8", "paying_back.py"])
def test_client_trunk_and_harness_know_codecs_that_are_installed(tmp_path, named):
    environment = installed(tmp_path)
    (tmp_path / "paying_back.py").write_text(SCENARIO)
    argv = [sys.executable, "-m", "harness", "run", named, "--runs", "runs", "--json", "said.json"]

    run = subprocess.run(argv, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    said = json.loads((tmp_path / "said.json").read_text())
    assert said["verdict"] == "PASS"
