"""A client's probe on a slow machine: virtual time passes while the client computes."""

from harness.sim.process import Process
from splitlearn.probe import Probe

__all__ = ["ComputingProbe"]


class ComputingProbe:
    """Passes points on, and lets every step take some virtual time; the client's other greenlets go on meanwhile.

    Args:
        probe: receives every point.
        process: the client's.
        seconds: that each step takes.
    """

    def __init__(self, probe: Probe, process: Process, seconds: float) -> None:
        self._probe = probe
        self._process = process
        self._seconds = seconds

    def point(self, name: str, step: int | None = None, microbatch: int | None = None, **fields: object) -> None:
        """Report that the process passes a point; it computes when it has started a step."""
        self._probe.point(name, step, microbatch, **fields)
        if name == "client.step.started":
            self._process.sleep(self._seconds)
