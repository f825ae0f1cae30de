"""A replay uses the very files that the run used, or says that it does not."""

import json
import subprocess
import sys

import pytest

from harness.errors import UnusableError
from harness.plan.recorded_module import RecordedModule, digests_of, import_recorded
from harness.plan.scenario_json import scenario_from_json, scenario_json
from harness.plan.selection import chosen_scenarios

# Both names are this file's own: an import is for the whole process.
ALONE = ("recorded_alone", "recorded_alone.py")
PACKED = ("recorded_package.inside", "recorded_package/inside.py")
BOTH = pytest.mark.parametrize("name", [ALONE, PACKED], ids=["alone", "packed"])


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Forget the modules before and after a test."""
    for name in (ALONE[0], *("recorded_package.inside", "recorded_package")):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)


def written(folder, name, text="which = 'recorded'\n"):
    """Write a module's file; give what would be recorded of it."""
    module, place = name
    file = folder / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    if file.parent != folder:
        (file.parent / "__init__.py").touch()
    return RecordedModule(module, file, digests_of({module: str(file)})[module])


def imported(recorded):
    import_recorded(recorded)
    return sys.modules[recorded.name].which


@BOTH
def test_what_has_not_changed_is_imported_without_a_word(name, tmp_path, caplog):
    assert "recorded" == imported(written(tmp_path, name))
    assert "" == caplog.text


@BOTH
def test_what_was_recorded_without_a_digest_is_imported_likewise(name, tmp_path, caplog):
    recorded = written(tmp_path, name)
    assert "recorded" == imported(RecordedModule(recorded.name, recorded.file))
    assert "" == caplog.text


@BOTH
def test_what_was_edited_since_is_named(name, tmp_path, caplog):
    recorded = written(tmp_path, name)
    recorded.file.write_text("which = 'edited'\n")
    assert "edited" == imported(recorded)
    assert f"{recorded.file} was edited since the run was recorded" in caplog.text


def test_a_recorded_file_goes_before_another_module_of_its_name(tmp_path, monkeypatch, caplog):
    recorded = written(tmp_path / "mine", ALONE)
    written(tmp_path / "other", ALONE, "which = 'another'\n")
    monkeypatch.syspath_prepend(tmp_path / "other")
    assert "recorded" == imported(recorded)
    assert "" == caplog.text


def test_a_package_of_the_same_name_elsewhere_is_named(tmp_path, monkeypatch, caplog):
    recorded = written(tmp_path / "mine", PACKED)
    other = written(tmp_path / "other", PACKED, "which = 'another'\n")
    monkeypatch.syspath_prepend(tmp_path / "other")
    assert "another" == imported(recorded)
    assert f"comes from {other.file}, where the run had it from {recorded.file}" in caplog.text


@BOTH
def test_what_is_gone_is_said_with_what_to_do(name, tmp_path):
    recorded = written(tmp_path, name)
    recorded.file.unlink()
    with pytest.raises(UnusableError) as gone:
        import_recorded(recorded)
    assert str(gone.value) == (
        f"there is no file {recorded.file}, from which the run imported module {name[0]}; put it back, or enter the "
        "place where it is now under `modules` of the scenario's file"
    )


@BOTH
def test_what_was_moved_is_found_where_it_is_said_to_be(name, tmp_path, caplog):
    recorded = written(tmp_path / "old", name)
    (tmp_path / "old").rename(tmp_path / "new")
    assert "recorded" == imported(RecordedModule(name[0], tmp_path / "new" / name[1], recorded.sha256))
    assert "" == caplog.text


@BOTH
@pytest.mark.parametrize("edited", [False, True])
def test_what_was_moved_is_found_by_name_and_compared(name, edited, tmp_path, monkeypatch, caplog):
    recorded = written(tmp_path / "old", name)
    (tmp_path / "old").rename(tmp_path / "new")
    monkeypatch.syspath_prepend(tmp_path / "new")
    file = tmp_path / "new" / name[1]
    if edited:
        file.write_text("which = 'edited'\n")
    assert ("edited" if edited else "recorded") == imported(recorded)
    assert edited == (f"comes from {file}, where the run had it from {recorded.file}" in caplog.text)


def test_a_package_on_no_path_is_imported_as_a_package(tmp_path, caplog):
    recorded = written(tmp_path, PACKED, "from .beside import which\n")
    (recorded.file.parent / "beside.py").write_text("which = 'beside'\n")
    before = list(sys.path)
    assert "beside" == imported(recorded)
    assert ("", before) == (caplog.text, sys.path)


def test_what_a_file_puts_on_the_path_stays_there_alone(tmp_path, monkeypatch):
    own = str(tmp_path / "libraries")
    recorded = written(tmp_path, ALONE, f"import sys\nsys.path.insert(0, {own!r})\nwhich = 'recorded'\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert "recorded" == imported(recorded)
    assert [own] == [place for place in sys.path if place in (own, str(tmp_path))]


def test_a_file_that_takes_itself_out_and_raises_is_told_with_its_line(tmp_path):
    recorded = written(tmp_path, ALONE, "import sys\ndel sys.modules[__name__]\n1 / 0\n")
    with pytest.raises(UnusableError, match="line 3: ZeroDivisionError"):
        import_recorded(recorded)


def test_another_module_that_was_imported_before_is_not_taken_for_it(tmp_path):
    import_recorded(written(tmp_path / "other", ALONE, "which = 'another'\n"))
    recorded = written(tmp_path / "mine", ALONE)
    with pytest.raises(UnusableError, match="has been imported already") as refused:
        import_recorded(recorded)
    assert str(recorded.file) in str(refused.value)


def test_what_has_been_imported_already_is_compared_too(tmp_path, caplog):
    recorded = written(tmp_path, ALONE)
    import_recorded(recorded)
    import_recorded(recorded)
    assert "" == caplog.text
    recorded.file.write_text("which = 'edited'\n")
    import_recorded(recorded)
    assert "was edited" in caplog.text


OWN = """
from dataclasses import dataclass
from harness.plan.catalogue import SMALL
from harness.plan.faults import DropConnection
from harness.plan.scenario import Scenario
from harness.trace.place import At

@dataclass(frozen=True)
class Rare(DropConnection):
    odds: float = 0.5

mine = Scenario("mine", "Mine", SMALL, faults=(Rare(At("client.forward.sent", 2)),))
"""


@pytest.fixture
def own(tmp_path):
    """A user's file of a scenario, and the scenario as it is recorded."""
    file = tmp_path / "own.py"
    file.write_text(OWN)
    (mine,) = chosen_scenarios([str(file)], None)
    return file, scenario_json(mine)


def test_a_scenarios_files_are_recorded_with_their_digests(own):
    file, values = own
    assert {"scenarios_of_own": str(file)} == values["modules"]
    assert digests_of(values["modules"]) == values["module_digests"]


def test_a_recording_without_digests_is_read(own):
    _, values = own
    del values["module_digests"]
    assert "mine" == scenario_from_json(json.loads(json.dumps(values))).name


@pytest.mark.parametrize("edited", [False, True])
def test_the_command_says_what_was_edited_and_nothing_else(own, edited):
    file, values = own
    if edited:
        file.write_text(f"{OWN}\n# edited\n")
    read = "import json, sys; from harness.plan.scenario_json import scenario_from_json as f; f(json.load(sys.stdin))"
    done = subprocess.run(
        [sys.executable, "-c", read], input=json.dumps(values), capture_output=True, text=True, check=True
    )
    told = f"{file} was edited since the run was recorded: this is not quite the same run\n" if edited else ""
    assert told == done.stderr
