"""The microbatches of the step in progress whose gradients have not come yet."""

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.trunk_link import Position

__all__ = ["Unfinished"]


class Unfinished:
    """Keeps the forward requests of a step, to be sent again if the trunk loses them before the gradients have come.

    Attributes:
        finished: number of microbatches, from the step's first on, whose gradients have come. The trunk need not keep
            their answers any longer.
    """

    def __init__(self) -> None:
        self._step: int | None = None
        self._requests: dict[int, pb.ComputeRequest] = {}
        self._begun = self.finished = 0

    def clear(self) -> None:
        """Forget the step."""
        self._step = None
        self._requests.clear()
        self._begun = self.finished = 0

    def begin(self, at: Position) -> bool:
        """Note a microbatch whose forward pass is about to be sent; return whether it ends the step before."""
        is_first = at.step != self._step
        if is_first:
            self.clear()
            self._step = at.step
        self._begun = max(self._begun, at.microbatch + 1)
        return is_first

    def keep(self, at: Position, request: pb.ComputeRequest) -> None:
        """Keep a microbatch's request."""
        self._requests[at.microbatch] = request

    def request(self, at: Position) -> pb.ComputeRequest:
        """Return a microbatch's request."""
        return self._requests[at.microbatch]

    def finish(self, at: Position) -> None:
        """Note that a microbatch's gradient has come."""
        self._requests.pop(at.microbatch, None)
        while self.finished < self._begun and self.finished not in self._requests:
            self.finished += 1
