"""How far a float32 gradient may be from the exact one, and how far it is.

The bound is first-order and is measured, not assumed: the same computation is done again with every operation rounded
as badly as float32 may (`arithmetic.py`), in random directions. What that moves a tensor by, at most in `DRAWS` draws,
times `SAFETY`, is its bound; so a badly conditioned training has a wide bound and a good one a narrow one. Distances
are Euclidean norms over a tensor.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from transformers import GPT2Config

from harness.oracle.batches import PaddedBatch
from harness.oracle.precise.arithmetic import Arithmetic, Array
from harness.oracle.precise.gpt2 import Gpt2
from splitlearn.config import TrainingConfig

__all__ = ["DRAWS", "SAFETY", "exact_gradients", "ratios"]

DRAWS = 3
SAFETY = 4.0
# Below it float32 has no number, or only ones with fewer bits.
SMALLEST = 2.0**-126


def exact_gradients(
    shape: GPT2Config,
    config: TrainingConfig,
    weights: Mapping[str, Array],
    batch: Sequence[PaddedBatch],
    step: int,
    do: Arithmetic,
) -> dict[str, Array]:
    """Return a step's gradients before clipping, and under `loss.N` each microbatch's share of the loss."""
    model = Gpt2(shape, config, weights, do)
    tokens = sum(microbatch.targets for microbatch in batch)
    losses = [model.microbatch(one, tokens, step, number) for number, one in enumerate(batch)]
    return {**model.gradients, **{f"loss.{number}": np.array(loss) for number, loss in enumerate(losses)}}


def ratios(
    found: Mapping[str, Array],
    shape: GPT2Config,
    config: TrainingConfig,
    weights: Mapping[str, Array],
    batch: Sequence[PaddedBatch],
    step: int,
) -> dict[str, float]:
    """Return the distance of each tensor from the exact one, as a share of its bound; at most 1 where all is well.

    Args:
        found: what was computed in float32, by the names that `exact_gradients` uses.
        shape: the library's configuration of the model.
        config: of the run.
        weights: before the step.
        batch: the step's.
        step: its number.
    """
    arguments = (shape, config, weights, batch, step)
    exact = exact_gradients(*arguments, Arithmetic())
    rough = [exact_gradients(*arguments, Arithmetic(np.random.default_rng(draw))) for draw in range(DRAWS)]
    assert found.keys() == exact.keys(), f"only one side has {sorted(found.keys() ^ exact.keys())[:3]}"
    return {
        name: _length(found[name] - value)
        / (SAFETY * max(_length(one[name] - value) for one in rough) + SMALLEST * value.size)
        for name, value in exact.items()
    }


def _length(values: Array) -> float:
    return float(np.linalg.norm(values.ravel()))
