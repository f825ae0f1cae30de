"""What to run: a value without side effects."""

from dataclasses import dataclass, replace
from typing import Literal, Self

from harness.faults import Fault
from harness.links import LOOPBACK, LinkProfile
from splitlearn.config import TrainingConfig

__all__ = ["Scenario", "Topology"]

Topology = Literal["local", "direct", "proxy"]


@dataclass(frozen=True)
class Scenario:
    """A training run under stated conditions, and what must hold of it.

    Attributes:
        name: short, for commands and folders.
        title: one line for people.
        config: model, data and training; the harness sets addresses and folders.
        topology: the trunk in the client's process, behind a direct connection, or behind the proxy.
        link: what the proxy adds.
        faults: what breaks, where.
        checks: names of `harness.checks.CHECKS`.
        timeout: seconds after which the run counts as hung.
        timed: the reference runs before the split run, not beside it, so that step times mean something.
        expects: points that the run must pass, or it has not shown what it is for.
        whole_steps: steps whose gradients and cut tensors are kept whole, which the client asks the trunk for.
        recovery_bound: seconds from a fault's healing to the client's next progress, at most.
        loss_below: value that the last step's loss must fall below; 0 states none.
    """

    name: str
    title: str
    config: TrainingConfig
    topology: Topology = "proxy"
    link: LinkProfile = LOOPBACK
    faults: tuple[Fault, ...] = ()
    checks: tuple[str, ...] = ("equivalence", "exactly_once", "expectations", "faults", "liveness")
    timeout: float = 240.0
    timed: bool = False
    expects: tuple[str, ...] = ()
    whole_steps: tuple[int, ...] = ()
    recovery_bound: float = 20.0
    loss_below: float = 0.0

    @property
    def replay(self) -> str:
        """The command that runs it again."""
        return f"harness run {self.name} --seed {self.config.seed}"

    def with_seed(self, seed: int) -> Self:
        """Give the same scenario with other weights, data order and dropout."""
        return replace(self, config=self.config.but(seed=seed))
