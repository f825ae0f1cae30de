import re
import runpy
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "docs" / "example.py"


def test_the_example_learns(capsys):
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    losses = [float(loss) for loss in re.findall(r"loss (\S+)", capsys.readouterr().out)]

    assert len(losses) == 20
    assert losses[-1] < losses[0] / 2


def test_the_example_is_short_enough_to_read_at_once():
    assert len(EXAMPLE.read_text().splitlines()) <= 60
