"""The guide to adding a figure works as written."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import harness

ROOT = Path(harness.__file__).parents[1]


def test_a_stranger_can_add_a_figure_by_the_guide(tmp_path, write_run):
    guide = (ROOT / "docs/adding-a-report-figure.md").read_text(encoding="utf-8")
    target = re.search(r"Create `(.+?)`", guide)[1]
    (code,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "harness", copy / "harness")
    (copy / target).write_text(code, encoding="utf-8")

    run, page = write_run(tmp_path / "run"), tmp_path / "report.html"
    command = (
        "import sys; from pathlib import Path; from harness.report.page import write_report; "
        "write_report([Path(sys.argv[1])], Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", command, run, page], cwd=copy, check=True)

    assert "Gradient norm of 40 steps." in page.read_text(encoding="utf-8")
    assert "Gradient norm of every step" in page.read_text(encoding="utf-8")
