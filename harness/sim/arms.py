"""The models that a simulated world can train: a stub whose state is a hash, or a tiny GPT-2 with real tensors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from harness.plan.scenario import Scenario
from harness.sim.outcome import Outcome
from harness.sim.parts import Parts, load_parts
from harness.sim.simulation import Simulation, quiet, undisturbed
from harness.sim.stub import stub_parts
from splitlearn.config import TrainingConfig
from splitlearn.determinism import make_deterministic

__all__ = ["ARMS", "Arm", "expected_of"]


@dataclass(frozen=True)
class Arm:
    """A model to simulate with, and the settings that suit it.

    Attributes:
        config: base settings of the fault schedules drawn for this arm.
        parts_of: returns the arm's model and data for a configuration.
        memories: byte limits for the step in progress at the trunk, of which each drawn schedule gets one; 0 means
            the settings' own limit. With the smallest, the trunk must ask for forward passes again.
        variants: other settings, of which each drawn schedule with one client gets one set; each needs undisturbed runs
            of its own.
    """

    config: TrainingConfig
    parts_of: Callable[[TrainingConfig], Parts]
    memories: tuple[int, ...]
    variants: tuple[Mapping[str, object], ...]


ARMS: Mapping[str, Arm] = {
    "stub": Arm(
        TrainingConfig(
            model="tiny", max_steps=8, batch_size=1, gradient_accumulation_steps=2, save_interval=3,
            optimizer_type="sgd", max_grad_norm=0.0, learning_rate=1e-3, rpc_timeout=3.0, retry_timeout=60.0,
        ),
        stub_parts,
        (0, 0, 2_500, 6_000),
        ({}, {"codec": "fp16"}, {"codec": "zlib"}, {"codec": "topk-ef"}, {"max_grad_norm": 1000.0}),
    ),
    "tensors": Arm(
        TrainingConfig(
            model="nano", cuts="1:2", vocab_size=300, dropout=0.1, data_format="lines", max_length=16, batch_size=1,
            gradient_accumulation_steps=2, max_steps=4, save_interval=2, learning_rate=1e-3, max_grad_norm=0.5,
            rpc_timeout=3.0, retry_timeout=60.0,
        ),
        load_parts,
        (0, 0, 16_000, 60_000),
        ({}, {"codec": "fp16"}, {"codec": "zlib", "max_grad_norm": 0.0}, {"optimizer_type": "sgd"}),
    ),
}  # fmt: skip


def expected_of(scenario: Scenario, arm: str) -> Outcome:
    """Return the outcome of the undisturbed run, which may itself violate an invariant.

    It is simulated once and cached for schedules with equal settings.
    """
    plain = undisturbed(scenario)
    others = tuple(each.model_dump_json() for each in plain.other_clients)
    return _expected(plain.config.model_dump_json(), others, plain.record_steps, arm)


@cache
def _expected(config: str, others: tuple[str, ...], record_steps: tuple[int, ...], arm: str) -> Outcome:
    settings = TrainingConfig.model_validate_json(config)
    other_clients = tuple(map(TrainingConfig.model_validate_json, others))
    plain = Scenario("undisturbed", "Undisturbed", settings, record_steps=record_steps, other_clients=other_clients)
    with quiet():
        make_deterministic(settings)
        world = Simulation(plain, ARMS[arm].parts_of)
    return world.run()
