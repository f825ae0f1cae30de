"""Wrong norms and clip coefficients."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import DIRECT, THREE_MICROBATCHES
from splitlearn.client import step
from splitlearn.trunk import session
from splitlearn.trunk.accumulator import Accumulator
from splitlearn.wire import remote
from splitlearn.wire.trunk_link import Commit

__all__: list[str] = []


@mutant("classic: every rank clips by its own norm", "trunk", DIRECT, Cause.CLIPPING)
def clip_each_part_by_itself() -> None:
    """The trunk clips by the norm of its own gradients."""

    @instead(session, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, rate: float, _coefficient: float | None) -> None:
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"]]
        norm = torch.nn.utils.get_total_norm(gradients)
        right(optimizer, rate, float(torch.clamp(0.5 / (norm + 1e-6), max=1.0)))


@mutant("BLOOM's chronicles: clipping on one rank only", "trunk", DIRECT, Cause.CLIPPING)
def clip_at_the_client_only() -> None:
    """The trunk does not clip."""

    @instead(session, "apply_update")
    def update(right: Right, optimizer: torch.optim.Optimizer, rate: float, _coefficient: float | None) -> None:
        right(optimizer, rate, None)


@mutant("classic: a coefficient that is applied in another unit", "client", DIRECT, Cause.CLIPPING)
def give_the_trunk_another_coefficient() -> None:
    """The trunk is told half of the clip coefficient."""

    @instead(remote, "commit_message")
    def message(right: Right, commit: Commit) -> object:
        return right(dataclasses.replace(commit, clip_coefficient=(commit.clip_coefficient or 0.0) / 2))


@mutant("classic: a shard that reports half of its norm", "trunk", DIRECT, Cause.NORM)
def measure_half_of_a_trunks_norm() -> None:
    """The trunk reports half of one gradient's norm."""

    @instead(Accumulator, "norms")
    def norms(right: Right, self: Accumulator, microbatch: int) -> Mapping[str, float]:
        return {name: norm / (1 + name.endswith("h.2.ln_1.bias")) for name, norm in right(self, microbatch).items()}


@mutant("classic: the norm of each part, then of both", "client", THREE_MICROBATCHES, Cause.NORM)
def combine_the_norms_in_another_order() -> None:
    """The global norm is combined from the last parameter to the first, one by one."""

    @instead(step, "global_norm")
    def combine(_right: Right, norms: Mapping[str, float], order: Sequence[str], _device: str) -> float:
        total = torch.zeros(())
        for name in reversed(order):
            total = total + torch.tensor(norms[name]) ** 2
        return float(total.sqrt())


@mutant("classic: one rank's norm taken for the whole one", "client", DIRECT, Cause.NORM)
def leave_the_trunk_out_of_the_norm() -> None:
    """The global norm is that of the client's gradients."""

    @instead(step, "global_norm")
    def combine(right: Right, norms: Mapping[str, float], order: Sequence[str], device: str) -> float:
        own = [name for name in order if not name.startswith(("transformer.h.1.", "transformer.h.2."))]
        return float(right(norms, own, device))


@mutant("classic: a number that was float32 on one side", "client", DIRECT, Cause.CLIPPING)
def compute_the_coefficient_in_double_precision() -> None:
    """The clip coefficient is not rounded to float32 on its way."""

    @instead(step, "clip_coefficient")
    def coefficient(_right: Right, norm: float, most: float) -> float:
        return min(most / (norm + 1e-6), 1.0) if math.isfinite(norm) else math.nan
