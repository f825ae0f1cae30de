"""Hostile peers send malformed requests while a client trains: all are refused, and no bit of the run changes."""

from collections import Counter

import pytest

from harness.plan.catalogue import CATALOGUE
from harness.plugin import scenario_parameters
from harness.recording.writer import read_lines

HOSTILE = CATALOGUE["hostile-peers"]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", scenario_parameters(HOSTILE, HOSTILE[:1]))
def test_malformed_requests_are_refused_and_change_nothing(run_scenario, scenario):
    count, steps = scenario.adversaries[0].count, scenario.config.max_steps

    outcome = run_scenario(scenario)

    trace = read_lines(outcome.folder / "trace.jsonl")
    points = Counter(event["point"] for event in trace)
    (report,) = (event for event in trace if event["point"] == "fuzz.finished")
    told = [event for event in trace if event["point"] == "fuzz.progress"]
    assert count == report["sent"]
    assert report["distinct"] > count / 2
    assert points["trunk.server.ready"] == points["trunk.session.opened"] == 1, (
        "the trunk kept running, and no other session was opened"
    )
    began, done = (
        next(event["t"] for event in trace if (event["point"], event["step"]) == place)
        for place in (("client.step.started", 3), ("client.forward.sending", steps - 1))
    )
    assert began < told[0]["t"] < told[-1]["t"] < done, "all were answered while the client trained"
    assert told[-1]["answered"] == count
