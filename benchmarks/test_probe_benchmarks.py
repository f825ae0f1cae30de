"""The cost of points: a step without an observer, only the points of such a step, and a step with an observer."""

import itertools
import statistics
import time

import pytest

from harness.engine.observer import Observer
from splitlearn.client.step import TrainingStep
from splitlearn.config import TrainingConfig
from splitlearn.data import load_training_data
from splitlearn.determinism import make_deterministic
from splitlearn.models import FAMILY
from splitlearn.optimizer import LearningRate
from splitlearn.probe import NullProbe, open_probe
from splitlearn.runtime import real_runtime
from splitlearn.tensor_log import NullTensorLog
from splitlearn.trunk.local import LocalTrunk

# The smallest model, so that points take the largest share of a step.
CONFIG = TrainingConfig(model="tiny", cuts="1:3", batch_size=2, max_length=48, vocab_size=512, max_steps=1000)
STEPS = {"rounds": 40, "iterations": 1, "warmup_rounds": 5}


class CountingProbe:
    """Records the arguments of every point."""

    def __init__(self):
        self.passed = []

    def point(self, *arguments, **fields):
        """Take note."""
        self.passed.append((arguments, fields))


@pytest.fixture(scope="module")
def data():
    make_deterministic(CONFIG)
    return load_training_data(CONFIG)


def stepper(data, probe):
    """Return a function that does the next step."""
    stage, identity = FAMILY.load_client(CONFIG)
    trunk = LocalTrunk(
        CONFIG, identity, lambda: FAMILY.load_trunk(CONFIG)[0], probe, NullTensorLog(), real_runtime().disk
    )
    schedule = LearningRate(CONFIG, data.total_steps)
    step = TrainingStep(stage, identity, trunk, schedule, CONFIG, probe, NullTensorLog(), real_runtime().clock)
    numbers = itertools.count()

    def one_step():
        number = next(numbers)
        return step.run(number, data.step(number))

    return one_step


def seconds(act):
    """Return the median time of forty calls."""
    times = []
    for _ in range(40):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


@pytest.mark.benchmark(group="probe")
def test_step_that_nobody_observes(benchmark, data):
    assert not benchmark.pedantic(stepper(data, open_probe(None, "client")), **STEPS).skipped


@pytest.mark.benchmark(group="probe")
def test_points_of_a_step_that_nobody_observes(benchmark, data, say):
    """Their share of a step is the cost of points that nobody observes."""
    counting, probe = CountingProbe(), NullProbe()
    one_step = stepper(data, counting)
    one_step()
    counting.passed.clear()
    one_step()
    passed = list(counting.passed)

    def points_alone():
        for arguments, fields in passed:
            probe.point(*arguments, **fields)

    benchmark.pedantic(points_alone, rounds=200, iterations=10)

    assert len(passed) > 10
    step = seconds(stepper(data, probe))
    benchmark.extra_info["share of a step"] = share = seconds(points_alone) / step
    say(f"{len(passed)} points that nobody observes take {share:.2e} of a step of {step * 1e3:.1f} ms")


@pytest.mark.benchmark(group="probe")
def test_step_that_is_observed(benchmark, data):
    with Observer((), lambda _event: None) as observer:
        probe = open_probe(observer.path, "client")
        assert not benchmark.pedantic(stepper(data, probe), **STEPS).skipped
    # What the system does at a process's end.
    probe._lines.close()
    probe._socket.close()
