"""Samples of benchmarks as a machine that other programs use would give them."""

from statistics import median

import numpy as np

from harness.bench import step_times
from harness.bench.intervals import measurement

# As in the benchmark `step`.
PAIRS, STEPS = step_times.PAIRS, step_times.STEPS - step_times.WARM_UP


def made_up(ratio, seed, pairs=PAIRS, name="step/W1-M1"):
    """Return a measurement in which B takes `ratio` times as long as A.

    The machine's speed varies by a factor of two between pairs, and both samples of a pair have it. A sample is the
    median of four steps, each of which varies by 3 % more (standard deviation) by itself, and every twentieth of which
    takes half as long again.
    """
    drawn = np.random.default_rng(seed)

    def step():
        return drawn.lognormal(0, 0.03) * (1.5 if drawn.random() < 0.05 else 1)

    def alone():
        return median(step() for _ in range(STEPS))

    taken = []
    for _ in range(pairs):
        load = drawn.uniform(1, 2)
        taken.append((0.1 * load * alone(), 0.1 * ratio * load * alone()))
    return measurement(name, "one process", "split", taken)
