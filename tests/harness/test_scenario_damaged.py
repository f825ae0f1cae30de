"""A scenario.json that is damaged anywhere, or was mistyped by hand, gets a message and never a traceback."""

import json
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.errors import UnusableError
from harness.plan.adversaries import LyingTrunk
from harness.plan.catalogue import SMALL
from harness.plan.faults import Kill, Partition
from harness.plan.links import WAN_50MS
from harness.plan.scenario import Scenario
from harness.recording.plan import Plan, read_plan
from harness.recording.schema import Start
from harness.trace.place import At

HERE = At("client.forward.sent", 2, 1)
MINE = Scenario(
    "mine",
    "Mine",
    SMALL,
    link=WAN_50MS,
    faults=(Kill(HERE, ("client",)), Partition(HERE, 2.0)),
    adversaries=(LyingTrunk(HERE, 10, 1),),
    record_steps=(2,),
    party_settings={"trunk": {"threads": 2}},
    other_clients=(SMALL, SMALL.but(learning_rate=1e-2)),
)
VALID = json.dumps({**Plan(MINE, Start()).as_json(), "modules": {"harness.plan.scenario": "scenario.py"}})
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
names = st.sampled_from(["", ".x", "no_such_module", "a.", "a/b", "harness.plan.scenario"]) | st.text()
files = st.dictionaries(names, st.text() | st.sampled_from(["", ".", "scenario.py", __file__]) | values, max_size=2)
# What stands beside the scenario, as it may be damaged; half of what is drawn is there.
BESIDE = {
    "modules": files,
    "module_digests": files,
    "start": st.fixed_dictionaries(
        {}, optional={"proxy": values | st.text(), "proxy_seed": values | st.integers(), "cold": values, "x": values}
    ),
}


def places(value, above=()):
    """Yield the way to every value of a JSON object."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*above, key)
        yield from places(value[key], (*above, key))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "scenario.json"


@given(st.data())
def test_a_missing_or_altered_value_is_reported(file, data):
    found = json.loads(VALID)
    beside = [way for way in places(found) if way[0] in BESIDE]
    *way, key = data.draw(st.sampled_from(beside) | st.sampled_from(list(places(found))))
    holder = found
    for step in way:
        holder = holder[step]
    if data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = data.draw(BESIDE.get(key, values) | values)
    file.write_text(json.dumps(found))
    with suppress(UnusableError):
        read_plan(file)


def test_the_file_is_valid_before_it_is_damaged(file):
    file.write_text(VALID)
    assert read_plan(file) == Plan(MINE, Start())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modules": ["a"]}, "modules: Input should be a valid dictionary"),
        ({"start": {"proxy": "bogus"}}, "Input should be 'auto', 'real' or 'embedded'"),
        ({"modules": None}, "modules: Input should be a valid dictionary"),
        ({"modules": {"zzz": 3}}, "modules.zzz: Input should be a valid string"),
        ({"modules": {"": "x.py"}}, "'' is no module's full name"),
        ({"modules": {".x": "x.py"}}, "'.x' is no module's full name"),
        ({"modules": {"zzz": "x.py"}}, "there is no file x.py"),
        ({"modules": {"zzz": "x" * 300}}, "there is no file xxx"),
        ({"modules": {"zzz": sys.executable}}, "is no Python file; name one that ends in .py"),
        ({"start": []}, "start: Input should be"),
        ({"start": {"cold": "perhaps"}}, "start.cold: "),
        ({"faults": [{"type": ".x:Kill", "at": {}}]}, "there is no .x:Kill"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_damage_is_status_2_with_one_message(file, capsys, changes, message):
    file.write_text(json.dumps({**json.loads(VALID), **changes}))
    assert 2 == main(["replay", str(file)])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("text", ["9" * 5000, "[" * 100_000], ids=["digits", "brackets"])
def test_numbers_and_nesting_beyond_all_bounds_are_refused(file, text):
    file.write_text(text)
    with pytest.raises(UnusableError, match="not JSON"):
        read_plan(file)


def test_an_error_in_a_module_on_the_path_is_reported(file, tmp_path, monkeypatch):
    (tmp_path / "a_module_that_raises.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    file.write_text(json.dumps({**json.loads(VALID), "modules": {"a_module_that_raises": "gone.py"}}))
    with pytest.raises(UnusableError, match="module a_module_that_raises: ZeroDivisionError"):
        read_plan(file)
