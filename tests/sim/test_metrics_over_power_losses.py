"""A loss of power takes no line of the metrics whose step a checkpoint has."""

import json

import pytest
from sim.worlds import CONFIG, scenario_of

from harness.plan.faults import PowerLoss
from harness.sim.parties import SAVE_DIR, SESSION
from harness.sim.simulation import Simulation
from harness.sim.stub import stub_parts
from harness.trace.place import At


@pytest.mark.parametrize("seed", range(8))
def test_every_step_has_a_line_after_a_loss_of_power(seed):
    loss = PowerLoss(At("client.step.started", 4), "client")
    world = Simulation(scenario_of(loss, config=CONFIG.but(save_interval=3)), stub_parts, seed)

    assert world.run().violation is None
    lines = world.disks["client"].disk.read(SAVE_DIR / SESSION / "client" / "metrics.jsonl").splitlines()
    assert {json.loads(line)["step"] for line in lines} == set(range(CONFIG.max_steps))
