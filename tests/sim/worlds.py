"""Simulated worlds with the stub model, small enough to run thousands of them."""

from harness.plan.scenario import Scenario
from harness.sim.simulation import Simulation, undisturbed
from harness.sim.stub import stub_parts
from splitlearn.config import TrainingConfig

CONFIG = TrainingConfig(
    model="tiny", max_steps=8, batch_size=1, gradient_accumulation_steps=2, save_interval=3, optimizer_type="sgd",
    max_grad_norm=0.0, learning_rate=1e-3, rpc_timeout=3.0, retry_timeout=60.0,
)  # fmt: skip


def scenario_of(*faults, config=CONFIG, **more):
    return Scenario("simulated", "A simulated run", config, faults=faults, **more)


def simulated(scenario, seed=0, *, expected=None, **more):
    """Simulate a scenario and return the outcome; compares with `expected`, by default the undisturbed run."""
    if expected is None:
        expected = Simulation(undisturbed(scenario), stub_parts).run()
        assert expected.violation is None
    return Simulation(scenario, stub_parts, seed, expected, **more).run()
