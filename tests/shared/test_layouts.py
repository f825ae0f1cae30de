"""What is known of a model family stands in its layout, and once more in the judge's."""

import re
from pathlib import Path

import pytest
from exactness.uncut import load_uncut

from harness.oracle.layouts import LAYOUTS as JUDGES
from harness.oracle.layouts import depth_of, layout_of, part_of, token_embedding
from splitlearn.cuts import Cuts
from splitlearn.layouts import LAYOUTS

ROOT = Path(__file__).parents[2]
# Parameters and modules of GPT-2, as the library names them.
NAMES = re.compile(
    r"\btransformer\.(h|wte|wpe|ln_f|drop)\b|\bwte\b|\bwpe\b|\bln_[f12]\b|\blm_head\b|\bc_(attn|proj|fc)\b"
)


def test_names_of_parameters_stand_in_layouts_only():
    files = [path for room in ("splitlearn", "harness", "scenarios") for path in (ROOT / room).rglob("*.py")]
    naming = {path.relative_to(ROOT) for path in files if NAMES.search(path.read_text())}
    # A planted bug is planted in GPT-2, and the reference by hand is GPT-2's.
    of_gpt2 = {path for path in naming if path.is_relative_to("harness/mutants/families")}

    assert {str(path) for path in naming - of_gpt2} == {
        "splitlearn/layouts/gpt2.py", "harness/oracle/layouts.py", "harness/oracle/precise/gpt2.py",
    }  # fmt: skip


def test_every_family_of_the_package_has_a_layout_of_the_judges():
    assert sorted(LAYOUTS) == sorted(JUDGES)
    assert all(LAYOUTS[name].name == name for name in LAYOUTS)


@pytest.mark.parametrize("cuts", ["0:2", "1:3", "2:4"])
def test_judge_and_system_agree_on_the_part_of_every_parameter(config, cuts):
    names = [name for name, _ in load_uncut(config).named_parameters()]
    ours = [LAYOUTS["gpt2"].part_of(name, Cuts.parse(cuts)) for name in names]

    assert ours == [part_of(name, Cuts.parse(cuts)) for name in names]
    assert {*ours} == {"bottom", "trunk", "top"}


def test_parameters_come_in_the_order_of_their_depth(config):
    names = [name for name, _ in load_uncut(config).named_parameters()]

    assert [depth_of(name) for name in names] == sorted(depth_of(name) for name in names)
    assert token_embedding(reversed(names)) == "transformer.wte.weight"


def test_a_family_that_nobody_knows_is_a_key_error():
    with pytest.raises(KeyError):
        layout_of("no such family")
