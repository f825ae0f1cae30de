"""A run that has diverged says so; one bad step in a good run is reported but is not divergence."""

import json
import math

import pytest
from client.runs import ScriptedTransport, local_trunk, remote_trunk, train
from trunk.server import service_of

from splitlearn.client.divergence import DivergenceWatch
from splitlearn.client.report import StepReport
from splitlearn.errors import DivergedError
from splitlearn.wire.errors import Reason, WireError


@pytest.fixture
def run(config):
    """Twelve steps."""
    return config.but(max_length=24, batch_size=4, num_epochs=2, max_steps=12)


def not_finite(service, *steps):
    """Return the transport to a trunk whose results are not finite, at the given steps or all."""

    def answer(method, request):
        if method == "Compute" and (not steps or request.key.step in steps):
            service.compute(request)
            return WireError(Reason.NON_FINITE_RESULT, "the trunk's result has NaN")
        return None

    return ScriptedTransport(service, answer)


def test_a_learning_rate_that_is_much_too_high_ends_the_run(run):
    wild = run.but(learning_rate=1e30, optimizer_type="sgd", max_grad_norm=0.0, max_skipped=4)
    with pytest.raises(DivergedError, match=r"5 steps in a row were skipped.*lower --learning-rate") as caught:
        train(wild, local_trunk(wild))

    assert "nothing was saved" in str(caught.value)
    assert caught.value.exit_status == 3


@pytest.mark.parametrize("most", [10, 99])
def test_a_trunk_that_answers_only_nan_ends_the_run(run, most):
    run = run.but(max_skipped=most)
    with pytest.raises(DivergedError, match=r"has diverged.*look at the trunk's log"):
        train(run, remote_trunk(not_finite(service_of(run)), run))


def test_a_run_may_go_on_whatever_happens(run):
    run = run.but(max_skipped=0)
    result = train(run, remote_trunk(not_finite(service_of(run)), run))

    assert (12, 12, 12) == (result.steps, result.done, result.skipped)


def test_steps_that_are_skipped_here_and_there_are_reported_and_end_nothing(run, caplog):
    run = run.but(max_skipped=2)
    result = train(run, remote_trunk(not_finite(service_of(run), 1, 2, 4, 5), run))

    assert (12, 4) == (result.steps, result.skipped)
    assert "step 4 is skipped: the trunk's result has NaN" in caplog.text
    lines = [json.loads(line) for line in result.metrics.read_text().splitlines()]
    assert [1, 2, 4, 5] == [line["step"] for line in lines if line["skipped"]]


def test_a_last_step_that_is_not_finite_is_reported_after_the_save(run):
    with pytest.raises(DivergedError, match=r"last loss is not finite, and 1 of its steps.*checkpoint is of step 12"):
        train(run, remote_trunk(not_finite(service_of(run), 11), run))


def report_of(step, loss=math.nan):
    return StepReport(step, loss, 0.1, 1.0, 1, 1, not math.isfinite(loss), 0.5, {})


def test_steps_that_are_done_again_after_a_crash_count_once():
    watch = DivergenceWatch(10)
    for step in (*range(8), *range(4, 10)):
        watch.note(report_of(step))
        watch.check("nothing was saved")
    watch.note(report_of(10))
    with pytest.raises(DivergedError, match="11 steps in a row"):
        watch.check("nothing was saved")


def test_a_step_that_is_sound_when_it_is_done_again_was_not_skipped():
    watch = DivergenceWatch(2)
    for step in (0, 1):
        watch.note(report_of(step))
    watch.note(report_of(1, 2.5))
    watch.note(report_of(2))
    watch.check("nothing was saved")
    assert watch.skipped == 2
