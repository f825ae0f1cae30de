"""How the programs of a run were started, which a replay repeats."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Start"]


@dataclass(frozen=True)
class Start:
    """What stands beside the scenario in scenario.json.

    Attributes:
        proxy: kind of proxy server, as `--proxy` takes it.
        proxy_seed: of an embedded proxy's random numbers.
        cold: whether every program ran in a fresh interpreter.
        simulated: seed of the simulated world in which it ran; None if real programs ran.
    """

    proxy: Literal["auto", "real", "embedded"] = "auto"
    proxy_seed: int = 0
    cold: bool = False
    simulated: int | None = None
