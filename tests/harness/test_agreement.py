"""Two runs of one scenario in two worlds: what is compared, and what counts as a difference."""

from dataclasses import replace
from itertools import pairwise

import pytest

from harness.judging.agreement import Witness, applied_steps, differences
from harness.plan.comparable import APART, KINDS, STEPS, comparable
from harness.plan.faults import DropConnection
from harness.trace.event import Event
from harness.trace.place import At

FAULT = DropConnection(At("client.forward.sent", 1, 0))
POINTS = (
    ("client", "client.session.opened", 0, {}),
    ("trunk", "trunk.session.opened", 0, {}),
    *((party, f"{party}.commit.applied", step, {}) for step in range(3) for party in ("client", "trunk")),
    ("", "fault.injected", None, {"fault": FAULT.name, "held": 3}),
    ("client", "client.connection.changed", None, {"state": "IDLE"}),
    ("client", "client.call.failed", 1, {"method": "Compute", "code": "UNAVAILABLE", "reason": "TRANSPORT"}),
    *((party, f"{party}.session.opened", 2, {}) for party in ("client", "trunk")),
    *((party, f"{party}.commit.applied", step, {}) for step in (2, 3) for party in ("client", "trunk")),
)
EVENTS = [
    Event(number, float(number), party or "harness", party, point, step, None, fields)
    for number, (party, point, step, fields) in enumerate(POINTS)
]
DIGESTS = {("client", 0, None, "weight/a"): "1", ("trunk", 0, 1, "features"): "2"}
WITNESS = Witness("PASS", EVENTS, DIGESTS, {"weights/a": "3"})


def test_steps_that_a_crash_took_back_do_not_count():
    assert applied_steps(EVENTS, "client") == applied_steps(EVENTS, "trunk") == [0, 1, 2, 3]
    assert applied_steps(EVENTS[:8], "client") == [0, 1, 2]


def test_two_runs_that_came_to_the_same_have_no_differences():
    later = [replace(event, t=event.t * 7) for event in EVENTS]
    assert list(differences([FAULT], WITNESS, replace(WITNESS, events=later))) == []


def without(point, step=None):
    return [event for event in EVENTS if (event.point, event.step) != (point, step)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"verdict": "FAIL"}, "verdict: simulated PASS, real FAIL"),
        ({"events": without("fault.injected")}, "faults that showed"),
        ({"events": without("trunk.commit.applied", 3)}, "steps that the trunk applied"),
        ({"digests": DIGESTS | {("trunk", 0, 1, "features"): "9"}}, "1 differ, first ('trunk', 0, 1, 'features')"),
        ({"digests": {("trunk", 0, 1, "features"): "2"}}, "1 are of one run only"),
        ({"digests": {}}, "the real run left none"),
        ({"finals": {"weights/a": "0"}}, "tensors of the last checkpoint: 1 differ"),
    ],
)
def test_whatever_differs_is_told(changed, words):
    told = list(differences([FAULT], WITNESS, replace(WITNESS, **changed)))
    assert any(words in each for each in told)


def test_schedules_of_every_kind_are_drawn_and_their_faults_are_apart():
    drawn = [comparable(seed) for seed in range(100)]
    kinds = {type(fault) for scenario in drawn for fault in scenario.faults}

    assert comparable(3) == drawn[3]
    assert len(kinds) == len(KINDS)
    assert {1, 2, 3} == {len(scenario.faults) for scenario in drawn}
    for scenario in drawn:
        steps = [fault.at.step for fault in scenario.faults]
        assert all(later - earlier >= APART for earlier, later in pairwise(steps))
        assert steps[-1] < STEPS - 1
