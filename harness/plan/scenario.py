"""What to run: a value without side effects."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from pydantic import ConfigDict

from harness.errors import ScenarioError
from harness.plan.adversaries import AnyAdversary
from harness.plan.faults.any_fault import AnyFault
from harness.plan.links import LOOPBACK, LinkProfile
from harness.plan.planned import Planned
from harness.plan.rules import broken_rules
from harness.plan.topology import Topology
from splitlearn.config import TrainingConfig

__all__ = ["CHECKS", "Scenario", "Topology"]

# The checks of every scenario that does not list its own; those that do not apply are N/A.
CHECKS = (
    "equivalence", "exactly_once", "expectations", "faults", "liveness", "detection", "work", "traffic", "peak_memory",
)  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """A training run under stated conditions, and the checks on it; an invalid one cannot be created.

    Attributes:
        name: short name for commands and folders.
        title: one line for people.
        config: model, data and training; the harness sets addresses and folders.
        topology: the trunk in the client's process, behind a direct connection, or behind the proxy.
        link: what the proxy adds.
        faults: what breaks, where.
        adversaries: who attacks during the training, and when.
        checks: names of `harness.judging.checks.CHECKS`.
        timeout: seconds after which the run counts as hung.
        timed: whether the reference runs before the split run, not alongside it, so that step times are meaningful.
        expects: points that the run must pass to show what it is meant to show.
        record_steps: steps whose gradients and cut tensors are kept whole; the client fetches the trunk's.
        recovery_bound: seconds from a fault's healing to the client's next progress, at most.
        materials: names of `harness.engine.materials.MATERIALS`: files made for the run and named in its settings.
        party_settings: settings that only the clients, or only the trunk, have.
        other_clients: settings of further clients, each of which trains at the same trunk at the same time.
        idle_timeout: seconds until the trunk gives up a silent client's place; 0 means the trunk's default.
        loss_below: value below which the loss must fall; 0 means none.

    Raises:
        ScenarioError: it breaks a rule of `harness.plan.rules`; the message says what to change.
    """

    # Of JSON: a key that a scenario does not have is a mistake.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    title: str
    config: TrainingConfig
    topology: Topology = "proxy"
    link: LinkProfile = LOOPBACK
    faults: tuple[AnyFault, ...] = ()
    adversaries: tuple[AnyAdversary, ...] = ()
    checks: tuple[str, ...] = CHECKS
    timeout: float = 240.0
    timed: bool = False
    expects: tuple[str, ...] = ()
    record_steps: tuple[int, ...] = ()
    recovery_bound: float = 20.0
    idle_timeout: float = 0.0
    loss_below: float = 0.0
    materials: tuple[str, ...] = ()
    party_settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    other_clients: tuple[TrainingConfig, ...] = ()

    def __post_init__(self) -> None:
        broken = broken_rules(self)
        if broken:
            raise ScenarioError(f"scenario {self.name!r}: " + "\n".join(broken))

    @property
    def planned(self) -> tuple[Planned, ...]:
        """Everything that happens to the run on purpose; if there is nothing, its costs are known exactly."""
        return (*self.faults, *self.adversaries)

    def with_seed(self, seed: int) -> Self:
        """Return the same scenario with other weights, data order and dropout."""
        return self.but(seed=seed)

    def settings_of(self, party: str, config: TrainingConfig | None = None) -> TrainingConfig:
        """Return the client's or the trunk's settings; `config` replaces the scenario's own."""
        return (config or self.config).but(**self.party_settings.get(party, {}))

    def but(self, **settings: object) -> Self:
        """Return the same scenario with some settings of all its clients changed."""
        others = tuple(each.but(**settings) for each in self.other_clients)
        return replace(self, config=self.config.but(**settings), other_clients=others)
