"""Wrong handling of duplicate and late requests, and replies cached under the wrong key."""

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, LATE_FORWARD
from splitlearn.optimizer import apply_update
from splitlearn.probe import NullProbe
from splitlearn.trunk.service import TrunkService
from splitlearn.trunk.session import TrunkSession
from splitlearn.trunk.sessions import OpenSession, Sessions
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.trunk_link import Commit

__all__: list[str] = []


@mutant("classic: a retry that is not idempotent", "trunk", DIRECT, Cause.MIDSTEP)
def apply_a_repeated_commit_twice() -> None:
    """A commit that comes again, as with every forward pass of a step, is applied again."""
    kept: dict[str, torch.Tensor | None] = {}

    @instead(TrunkSession, "commit")
    def commit(right: Right, self: TrunkSession, value: Commit) -> None:
        if value.step == self.applied_step - 1:
            for name, parameter in self._parameters.items():
                parameter.grad = kept[name]
            apply_update(self._optimizer, value.learning_rate, None)
            return
        kept.update({name: None if p.grad is None else p.grad.clone() for name, p in self._parameters.items()})
        right(self, value)


@mutant("classic: a key without the step", "trunk", DIRECT, Cause.STALE, since=1)
def answer_from_a_cache_under_the_wrong_key() -> None:
    """Replies are kept by microbatch alone: a step gets the features of the first one of the same shape."""
    kept: dict[tuple[int, str], pb.ComputeReply] = {}

    @instead(TrunkService, "compute")
    def compute(right: Right, self: TrunkService, request: pb.ComputeRequest) -> pb.ComputeReply:
        reply = right(self, request)
        return kept.setdefault((request.key.microbatch, str(reply.features.shape)), reply)


@mutant("classic: no fencing token", "trunk", LATE_FORWARD, Cause.FENCING)
def accept_a_superseded_client() -> None:
    """A request of an older incarnation is carried out."""

    @instead(Sessions, "get")
    def get(right: Right, self: Sessions, name: str, incarnation: int) -> OpenSession:
        newest = self._open[name].welcome.incarnation if name in self._open else incarnation
        held: OpenSession = right(self, name, newest)
        return held


@mutant("classic: a step that nobody sees", "trunk", DIRECT, Cause.ONCE, since=1)
def hide_a_commit_of_the_trunk() -> None:
    """The trunk applies a step and tells the observer nothing of it."""

    @instead(TrunkSession, "commit")
    def commit(right: Right, self: TrunkSession, value: Commit) -> None:
        probe = self._probe
        try:
            if value.step == 1:
                self._probe = NullProbe()
            right(self, value)
        finally:
            self._probe = probe
