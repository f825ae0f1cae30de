"""Arguments select scenarios by name or from a user's file; each is replayed by the command that is printed."""

import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cli import build_parser
from harness.engine import testbed
from harness.engine.meaning import must_mean_something
from harness.errors import UnusableError
from harness.plan.catalogue import CATALOGUE, SMALL, scenarios_named
from harness.plan.scenario import Scenario
from harness.plan.selection import chosen_scenarios, is_in_catalogue
from harness.recording.schema import Start

EVERY = [scenario for group in CATALOGUE.values() for scenario in group]
MINE = """
from beside import STEPS
from harness.plan.catalogue import SMALL
from harness.plan.scenario import Scenario

first = Scenario("first", "Mine", SMALL.but(max_steps=STEPS))
second = Scenario("second", "Mine as well", SMALL, topology="direct")
again = second
"""


@pytest.fixture
def file(tmp_path):
    """A file of scenarios in a folder whose name has a blank."""
    folder = tmp_path / "my runs"
    folder.mkdir()
    (folder / "beside.py").write_text("STEPS = 2\n")
    (folder / "mine.py").write_text(MINE)
    return folder / "mine.py"


def parsed(command):
    """Read a printed command as the program does; return its flags."""
    program, *words = shlex.split(command)
    assert "harness" == program
    return build_parser(words).parse_args(words)


def replayed(command):
    """Return the scenario that a printed command runs."""
    flags = parsed(command)
    (scenario,) = chosen_scenarios(flags.names, flags.seed)
    return scenario


def printed(scenario, folder=Path("a-run")):
    """Return the command that is printed of a scenario's run."""
    return testbed.Testbed.replay(SimpleNamespace(flags=(), start=Start()), scenario, folder)


class TestTheCatalogue:
    def test_every_scenario_is_replayed_by_the_command_that_is_printed(self):
        seeded = [scenario.with_seed(9) for scenario in EVERY]
        assert [] == [scenario.name for scenario in (*EVERY, *seeded) if replayed(printed(scenario)) != scenario]
        assert len(EVERY) > 600

    def test_steps_that_are_named_twice_are_all_kept(self):
        assert [3, 1, 2] == parsed("harness run many --record-steps 3 --record-steps 1 2").record_steps
        assert [] == parsed("harness run many").record_steps

    def test_a_different_scenario_with_a_name_from_the_catalogue_is_not_the_catalogues(self):
        (many,) = scenarios_named("many")
        assert is_in_catalogue(many.with_seed(5))
        assert not is_in_catalogue(replace(many, faults=()))
        assert not is_in_catalogue(replace(many, name="mine"))

    def test_a_misspelt_name_is_refused_with_the_one_that_was_meant(self):
        with pytest.raises(
            UnusableError, match=r"no scenario 'drop-reply-bakward' \(did you mean 'drop-reply-backward'"
        ):
            chosen_scenarios(["drop-reply-bakward"], None)


class TestAFile:
    def test_every_scenario_that_the_file_defines_is_selected_once(self, file):
        found = chosen_scenarios([str(file)], None)
        assert ["first", "second"] == [scenario.name for scenario in found]
        assert 2 == found[0].config.max_steps

    def test_the_line_of_an_error_is_reported_for_a_relative_path_too(self, file, monkeypatch):
        file.write_text("\n\nx = 1 / 0\n")
        monkeypatch.chdir(file.parent)
        with pytest.raises(UnusableError, match=r"^mine.py, line 3: ZeroDivisionError"):
            chosen_scenarios(["mine.py"], None)

    def test_a_file_that_exits_is_the_users_mistake(self, file):
        file.write_text("import sys\nsys.exit('gone')\n")
        with pytest.raises(UnusableError, match="line 2: SystemExit: gone"):
            chosen_scenarios([str(file)], None)

    def test_one_of_them_is_chosen_by_its_name_and_given_a_seed(self, file):
        (found,) = chosen_scenarios([f"{file}::second"], 7)
        assert ("second", 7) == (found.name, found.config.seed)

    def test_each_is_replayed_from_its_folder(self, file):
        for scenario in chosen_scenarios([str(file)], 7):
            assert "harness replay 'runs/a run'" == printed(scenario, Path("runs/a run"))

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("mine.py::secnd", MINE, "has no scenario 'secnd' (did you mean 'second'?); it has first, second"),
            ("other.py", MINE, "there is no file"),
            ("mine.py", "STEPS = 2\n", "has no scenario: assign a `harness.plan.scenario.Scenario`"),
            ("mine.py", "\n\nimport no_such_module\n", "line 3: ModuleNotFoundError: No module named 'no_such_module'"),
            ("mine.py", "x = (\n", "SyntaxError"),
            ("mine.py", MINE + "twin = Scenario('first', 'Another', SMALL)\n", "two scenarios of one name: first"),
        ],
    )
    def test_an_unusable_file_is_refused_with_the_reason(self, file, name, content, message):
        file.write_text(content)
        with pytest.raises(UnusableError) as refused:
            chosen_scenarios([str(file.with_name(name))], None)
        assert message in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checks": ("equivalenc",)}, "no check 'equivalenc' (did you mean 'equivalence'?)"),
        ({"materials": ("untide",)}, "no material 'untide' (did you mean 'untied'?)"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_the_one_that_was_meant(changes, message):
    with pytest.raises(UnusableError) as refused:
        must_mean_something(replace(Scenario("mine", "Mine", SMALL), **changes))
    assert message in str(refused.value)


def test_every_name_in_the_catalogue_means_something():
    for scenario in EVERY:
        must_mean_something(scenario)
