"""Samples of benchmarks as a machine that other programs use would give them."""

import numpy as np

from harness.bench.intervals import measurement

PAIRS = 15


def made_up(ratio, seed, pairs=PAIRS, name="step/W1-M1"):
    """Return a measurement in which B takes `ratio` times as long as A.

    The machine's speed varies by a factor of two between pairs, and both samples of a pair have it. Either sample
    varies by 3 % more (standard deviation) by itself, and every twentieth takes half as long again.
    """
    drawn = np.random.default_rng(seed)

    def alone():
        return drawn.lognormal(0, 0.03) * (1.5 if drawn.random() < 0.05 else 1)

    taken = []
    for _ in range(pairs):
        load = drawn.uniform(1, 2)
        taken.append((0.1 * load * alone(), 0.1 * ratio * load * alone()))
    return measurement(name, "one process", "split", taken)
