"""The safeguards of the protocol, each of which can be switched off to see what fails without it."""

from collections.abc import Mapping

from harness.sim.ablations.ablation import Ablation, Swap
from harness.sim.ablations.checkpoints import CHECKPOINTS
from harness.sim.ablations.sessions import SESSIONS
from harness.sim.ablations.trunk import TRUNK
from harness.sim.ablations.wire import WIRE

__all__ = ["ABLATIONS", "Ablation", "Swap"]

# By name.
ABLATIONS: Mapping[str, Ablation] = {each.name: each for each in (*TRUNK, *SESSIONS, *WIRE, *CHECKPOINTS)}
