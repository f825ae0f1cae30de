"""The source that a case is printed as is a module that has the case's scenario."""

import pytest

from harness.commands.pasted import pasted
from harness.plan.faults import DropConnection, TakeOver
from harness.plan.links import LTE
from harness.plan.scenario import Scenario
from harness.plan.selection import chosen_scenarios
from harness.sim.case import Case, SimulatedIn
from harness.sim.draw_case import case_of
from harness.trace.place import At
from splitlearn.config import TrainingConfig

SEEDS = range(40)


def executed(source):
    names = {}
    exec(source, names)  # noqa: S102 - what a person pastes
    return names["FOUND"]


@pytest.mark.parametrize("arm", ["stub", "tensors"])
def test_what_is_pasted_is_the_same_scenario(arm):
    scenarios = [case_of(seed, arm).scenario for seed in SEEDS]

    assert any(scenario.idle_timeout for scenario in scenarios)
    assert {type(fault) for scenario in scenarios for fault in scenario.faults} >= {TakeOver, DropConnection}
    for scenario in scenarios:
        assert executed(pasted(Case(scenario, SimulatedIn(0)))) == scenario


def test_whatever_a_scenario_has_is_pasted():
    scenario = Scenario(
        "quoted",
        'It says "ä\\n"',
        TrainingConfig(model="tiny", cuts="1:3", save_dir="some where"),
        link=LTE,
        checks=("equivalence",),
        timeout=333.5,
        record_steps=(1, 2),
        party_settings={"client": {"log_interval": 3}},
    )

    assert executed(pasted(Case(scenario, SimulatedIn(0)))) == scenario


def test_a_file_of_it_can_be_run(tmp_path):
    case = case_of(3, "stub")
    (tmp_path / "found.py").write_text(pasted(case))

    assert chosen_scenarios([str(tmp_path / "found.py")], None) == [case.scenario]


def test_what_a_module_leaves_out_is_said():
    source = pasted(Case(case_of(3, "stub").scenario, SimulatedIn(17, "tensors", memory=16000, step_seconds=14.0)))

    assert source.startswith("# harness run FILE.py --sim runs this scenario.")
    assert '# pass: seed=17, arm="tensors", calm=False, memory=16000, step_seconds=14.0; to repeat' in source


def test_what_is_by_default_is_left_out():
    scenario = Scenario("drop", "A drop", TrainingConfig(), faults=(DropConnection(At("client.step.started")),))
    source = pasted(Case(scenario, SimulatedIn(0)))

    assert 'DropConnection(At("client.step.started")),' in source
    assert "timeout" not in source
    assert "link" not in source
