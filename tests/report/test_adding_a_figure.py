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
    function, import_line, entry = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "harness", copy / "harness")

    (copy / target).write_text(function, encoding="utf-8")
    registry = copy / "harness/report/figures/__init__.py"
    first_import, opening = "from harness.report.figures.loss", "FIGURES: tuple[Figure, ...] = (\n"
    source = registry.read_text(encoding="utf-8")
    assert first_import in source
    assert opening in source
    source = source.replace(first_import, import_line + first_import).replace(opening, opening + entry)
    registry.write_text(source, encoding="utf-8")

    run, page = write_run(tmp_path / "run"), tmp_path / "report.html"
    command = (
        "import sys; from pathlib import Path; from harness.report.page import write_report; "
        "write_report([Path(sys.argv[1])], Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", command, run, page], cwd=copy, check=True)

    assert "Gradient norm of 40 steps." in page.read_text(encoding="utf-8")
    assert "Gradient norm of every step" in page.read_text(encoding="utf-8")
