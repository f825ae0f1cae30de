"""A scenario survives conversion to JSON and back, whatever it contains, including a user's own types."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
from drawn_scenarios import ADVERSARIES, TYPES, faults_of, scenarios
from hypothesis import given
from hypothesis.strategies import SearchStrategy

from harness.errors import ScenarioError, UnusableError
from harness.plan.adversaries import Adversary
from harness.plan.catalogue import CATALOGUE, SMALL
from harness.plan.faults import DropConnection, Fault, Kill
from harness.plan.planned import Planned
from harness.plan.scenario import Scenario
from harness.plan.scenario_json import SCHEMA, scenario_from_json, scenario_json
from harness.plan.selection import chosen_scenarios
from harness.recording.writer import json_text
from harness.trace.place import At

MINE = Scenario("mine", "Mine", SMALL, faults=(Kill(At("client.forward.sent", 2), ("client",)),))


def there_and_back(scenario):
    return scenario_from_json(json.loads(json_text(scenario_json(scenario))))


@pytest.mark.parametrize("group", CATALOGUE)
def test_every_scenario_of_the_catalogue_survives_json(group):
    assert [] == [scenario.name for scenario in CATALOGUE[group] if there_and_back(scenario) != scenario]


@given(scenarios())
def test_any_scenario_survives_json(scenario):
    assert scenario == there_and_back(scenario)


def test_every_type_of_fault_and_adversary_is_drawn():
    def below(kind):
        return {kind, *(each for child in kind.__subclasses__() for each in below(child))}

    ours = {kind for kind in below(Planned) - {Planned, Fault, Adversary} if kind.__module__.startswith("harness.")}
    assert ours == {*TYPES, *ADVERSARIES}
    assert all(isinstance(faults_of(kind), SearchStrategy) for kind in (*TYPES, *ADVERSARIES))


@dataclass(frozen=True)
class Flaky(DropConnection):
    """A user's own fault."""

    odds: float = 0.5


def test_a_users_own_fault_survives_json():
    mine = Scenario("mine", "Mine", SMALL, faults=(Flaky(At("client.forward.sent", 2), "Compute", 0.25),))
    assert mine == there_and_back(mine)
    assert f"{__name__}:Flaky" == scenario_json(mine)["faults"][0]["type"]


OWN = """
from dataclasses import dataclass
from place_of_it import WHERE
from harness.plan.adversaries import Adversary
from harness.plan.catalogue import SMALL
from harness.plan.faults import DropConnection
from harness.plan.planned import Planned
from harness.plan.scenario import Scenario

@dataclass(frozen=True)
class Flaky(DropConnection):
    odds: float = 0.5

mine = Scenario("mine", "Mine", SMALL, faults=(Flaky(WHERE, odds=0.25),))
"""
READ = """
import json, sys
from harness.plan.scenario_json import scenario_from_json
(fault,) = scenario_from_json(json.load(sys.stdin)).faults
print(type(fault).__qualname__, fault.odds, fault.name)
"""


def test_a_fault_that_is_defined_in_a_file_is_found_by_a_program_that_knows_nothing_of_it(tmp_path):
    (tmp_path / "place_of_it.py").write_text(
        "from harness.trace.place import At\nWHERE = At('client.forward.sent', 2, 1)\n"
    )
    (tmp_path / "own.py").write_text(OWN)
    (mine,) = chosen_scenarios([str(tmp_path / "own.py")], None)
    written = json.dumps(scenario_json(mine))

    read = subprocess.run([sys.executable, "-c", READ], input=written, capture_output=True, text=True, check=True)

    assert "Flaky 0.25 drop@client.forward.sent.2.1" == read.stdout.strip()
    (tmp_path / "own.py").unlink()
    gone = subprocess.run([sys.executable, "-c", READ], input=written, capture_output=True, text=True, check=False)
    assert f"there is no file {tmp_path / 'own.py'}" in gone.stderr


def changed(**changes):
    return {**json.loads(json.dumps(scenario_json(MINE))), **changes}


def changed_fault(**changes):
    (fault,) = changed()["faults"]
    return changed(faults=[{**fault, **changes}])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "main", "topology": "proxy"}, "a scenario of schema 0 cannot be run again"),
        (changed(schema=1), "a scenario of schema 1 cannot be run again"),
        (changed(schema=SCHEMA + 1), f"a scenario of schema {SCHEMA + 1} cannot be run again"),
        (changed(topology="direct"), "has no proxy, and so no faults"),
        (changed(titel="Mine"), "titel: Unexpected keyword argument"),
        (changed(config={"model": "tiny", "cutz": "1:3"}), "config.cutz"),
        (changed_fault(parameters={"victims": ["trunc"]}), "processes:Kill: victims.0: Input should be 'client'"),
        (changed_fault(parameters={}), "processes:Kill: victims: Field required"),
        (changed_fault(parameters={"victims": ["trunk"], "sig": 9}), "Kill: sig: Unexpected keyword argument"),
        (changed_fault(at={"point": "client.forward.sent", "stp": 2}), "Kill: at.stp: Unexpected keyword argument"),
        (changed_fault(type="harness.plan.faults:Kil"), "there is no harness.plan.faults:Kil"),
        (changed_fault(type="no_such_module:Kill"), "there is no no_such_module:Kill: No module named"),
        (changed_fault(type="os:getcwd"), "os:getcwd is no Fault; name a class that extends it"),
        (changed_fault(type="Kill"), "there is no Kill"),
    ],
)
def test_an_invalid_scenario_is_refused_with_the_reason(values, message):
    with pytest.raises(ScenarioError) as refused:
        scenario_from_json(values)
    assert message in str(refused.value)


def test_an_error_in_a_users_file_is_reported(tmp_path):
    (tmp_path / "broken.py").write_text("\n1 / 0\n")
    with pytest.raises(UnusableError, match="line 2: ZeroDivisionError"):
        scenario_from_json(changed(modules={"a_broken_module": str(tmp_path / "broken.py")}))
