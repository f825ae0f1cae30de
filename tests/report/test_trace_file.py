"""The trace of a run for ui.perfetto.dev: that a viewer can read it, and what it shows of a run."""

import json
from pathlib import Path

import pytest
from trace_checks import problems_of

from harness.cli import main
from harness.recording.reader import find_runs, read_run
from harness.report.activities import ENDS, MOMENTS
from harness.report.run_trace import run_trace
from splitlearn.points import POINTS
from splitlearn.profile import PHASES

ONE_STEP = [
    ("client", "client.session.opening", 0, None, 0.0),
    ("trunk", "trunk.session.opening", 0, None, 0.1),
    ("trunk", "trunk.session.opened", 0, None, 0.2),
    ("client", "client.session.opened", 0, None, 0.3),
    ("client", "client.step.started", 0, None, 1.0),
    ("client", "client.forward.sending", 0, 0, 1.1),
    ("client", "client.forward.sent", 0, 0, 1.2),
    ("trunk", "trunk.compute.received", 0, 0, 1.3),
    ("trunk", "trunk.compute.done", 0, 0, 1.5),
    ("client", "client.call.failed", None, None, 1.55),
    ("trunk", "trunk.compute.received", 0, 0, 1.6),
    ("trunk", "trunk.compute.done", 0, 0, 1.7),
    ("client", "client.forward.received", 0, 0, 1.8),
    ("client", "client.backward.sending", 0, 0, 2.0),
    ("client", "client.backward.sent", 0, 0, 2.1),
    ("trunk", "trunk.backward.received", 0, 0, 2.2),
    ("trunk", "trunk.backward.done", 0, 0, 2.3),
    ("client", "client.backward.received", 0, 0, 2.4),
    ("client", "client.backward.done", 0, 0, 2.6),
    ("client", "client.commit.decided", 0, None, 2.7),
    ("client", "client.commit.applied", 0, None, 3.0),
]


def event(source, point, step, microbatch, t, **more):
    return {"source": source, "point": point, "step": step, "microbatch": microbatch, "t": t, **more}


class Trace:
    """What a trace file says, by names instead of numbers."""

    def __init__(self, file):
        self.file = file
        self.names = {}
        for told in file["traceEvents"]:
            if told["ph"] == "M" and told["name"].endswith("_name"):
                self.names[told["pid"], told.get("tid")] = told["args"]["name"]

    def place(self, told):
        return self.names[told["pid"], None], self.names.get((told["pid"], told.get("tid")))

    def all(self, phase, process, track=None):
        shown = [told for told in self.file["traceEvents"] if told["ph"] == phase]
        return [told for told in shown if self.place(told)[0] == process and track in (None, self.place(told)[1])]

    def slices(self, process, track):
        """List name, beginning and end of a track's slices, in milliseconds."""
        found = self.all("X", process, track)
        return [(told["name"], told["ts"] / 1000, (told["ts"] + told["dur"]) / 1000) for told in found]

    def arrows(self, method):
        """List, for every arrow of an RPC, the places that it goes through."""
        through = {}
        for told in self.file["traceEvents"]:
            if told["ph"] in "stf" and told["name"] == method:
                through.setdefault(told["id"], []).append((*self.place(told), told["ts"] / 1000))
        return list(through.values())

    def calls(self, client):
        return [(told["ts"] / 1000, told["args"]["value"]) for told in self.all("C", client)]


@pytest.fixture
def trace_of(write_faulted):
    """Return a function that makes the trace of a run with these events."""

    def trace(*events, faults=()):
        file = run_trace(read_run(write_faulted("traced", *faults, trace=list(events))))
        assert problems_of(file) == []
        return Trace(json.loads(json.dumps(file)))

    return trace


def test_every_point_ends_something_or_is_a_moment():
    assert not ENDS.keys() & MOMENTS
    assert ENDS.keys() | MOMENTS == POINTS.keys()


def test_the_time_before_a_point_is_what_the_point_ends(trace_of):
    trace = trace_of(*(event(*told) for told in ONE_STEP))

    assert trace.slices("client", "forward") == [(PHASES["bottom"], 1000, 1100), (PHASES["encode"], 1100, 1200)]
    assert trace.slices("client", "waiting") == [
        (PHASES["forward_wait"], 1200, 1800), (PHASES["backward_wait"], 2100, 2400)
    ]  # fmt: skip
    assert trace.slices("client", "top") == [
        (PHASES["top"], 1800, 2000), (PHASES["encode"], 2000, 2100)
    ]  # fmt: skip
    assert trace.slices("client", "backward") == [("Bottom backward", 2400, 2600)]
    assert trace.slices("client", "commit") == [("Norm and clipping", 2600, 2700), ("Update", 2700, 3000)]
    assert trace.slices("client", "step") == [("Step 0", 1000, 3000)]
    assert [(began, until) for _, began, until in trace.slices("trunk", "compute")] == [(1300, 1500), (1600, 1700)]
    assert [(began, until) for _, began, until in trace.slices("trunk", "queue")] == [
        (0, 100), (1100, 1300), (2000, 2200)
    ]  # fmt: skip


def test_an_arrow_follows_a_call_there_and_back_through_every_repetition(trace_of):
    trace = trace_of(*(event(*told) for told in ONE_STEP))

    assert trace.arrows("Compute") == [
        [("client", "forward", 1100), ("trunk", "compute", 1300), ("trunk", "compute", 1600), ("client", "top", 1800)]
    ]
    assert trace.arrows("Backward") == [
        [("client", "top", 2000), ("trunk", "backward", 2200), ("client", "backward", 2400)]
    ]


def test_calls_in_flight_are_counted(trace_of):
    trace = trace_of(*(event(*told) for told in ONE_STEP))

    assert trace.calls("client") == [(0, 1), (300, 0), (1100, 1), (1800, 0), (2000, 1), (2400, 0)]


def test_the_calls_of_a_killed_client_end_with_it(trace_of):
    killed = event("harness", "process.killed", None, None, 1.25, party="client", life=1)
    again = [event(source, point, step, microbatch, t + 5) for source, point, step, microbatch, t in ONE_STEP]
    trace = trace_of(*(event(*told) for told in ONE_STEP[:7]), killed, *again)

    assert trace.calls("client")[2:5] == [(1100, 1), (1250, 0), (5000, 1)]
    assert trace.slices("client", "waiting")[0] == (PHASES["forward_wait"], 6200, 6800)
    assert ("killed, life 1", 1250) in [(told["name"], told["ts"] / 1000) for told in trace.all("i", "client")]


def test_requests_that_wait_together_are_side_by_side(trace_of):
    started = [told for told in ONE_STEP if told[-1] <= 1.2]
    second = [("client", "client.forward.sending", 0, 1, 1.21), ("client", "client.forward.sent", 0, 1, 1.22)]
    served = [("trunk", "trunk.compute.received", 0, 0, 1.3), ("trunk", "trunk.compute.received", 0, 1, 1.4)]
    trace = trace_of(*(event(*told) for told in (*started, *second, *served)))

    assert [(began, until) for _, began, until in trace.slices("trunk", "queue")] == [(0, 100), (1100, 1300)]
    assert [(began, until) for _, began, until in trace.slices("trunk", "queue 2")] == [(1210, 1400)]
    assert max(value for _, value in trace.calls("client")) == 2


def test_sessions_tell_which_client_a_trunk_serves(trace_of):
    mine = [event(*told, **({"session": "run"} if told[0] == "trunk" else {})) for told in ONE_STEP]
    other = [
        event(*told[:-1], told[-1] + 0.05, **({"session": "run-2"} if told[0] == "trunk" else {"party": "client-2"}))
        for told in ONE_STEP
    ]
    trace = trace_of(*sorted([*mine, *other], key=lambda told: told["t"]))

    assert {place for arrow in trace.arrows("Backward") for place, _, _ in arrow} == {"client", "client-2", "trunk"}
    for arrow in trace.arrows("Backward"):
        assert arrow[0][0] == arrow[-1][0] != "trunk"


def test_faults_last_from_injection_to_healing_and_the_recovery_follows(trace_of):
    kill = "kill-trunk@trunk.compute.done.3"
    trace = trace_of(
        *(event(*told) for told in ONE_STEP),
        event("harness", "fault.injected", 3, None, 4.0, fault=kill),
        event("harness", "process.killed", None, None, 4.0, party="trunk", life=1),
        event("harness", "process.started", None, None, 4.4, party="trunk", life=2),
        event("harness", "fault.healed", None, None, 4.5, fault=kill),
        event("client", "client.forward.received", 1, 0, 4.75),
        faults=[("kill-trunk", "trunk.compute.done", 3)],
    )

    assert trace.slices("network and harness", "faults") == [(kill, 4000, 4500)]
    assert trace.slices("client", "recovery") == [(f"After {kill}", 4500, 4750)]
    assert [told["name"] for told in trace.all("i", "trunk")] == ["killed, life 1", "started again, life 2"]
    assert [told["name"] for told in trace.all("i", "network and harness")] == [f"{kill} injected", "healed"]


@pytest.mark.parametrize("kind", ["PASS", "FAIL", "VOID"])
def test_any_run_has_a_trace(tmp_path, write_run, kind):
    assert problems_of(run_trace(read_run(write_run(tmp_path / "run", kind)))) == []


@pytest.mark.parametrize("scenario", ["kill-trunk-at-client.forward.sent-2", "three-clients"])
def test_a_simulated_run_has_a_trace_with_an_arrow_for_every_call(tmp_path, monkeypatch, scenario):
    monkeypatch.chdir(tmp_path)
    assert main(["run", scenario, "--sim", "--keep"]) == 0
    assert main(["report", "--trace", "run.json"]) == 0

    trace = Trace(json.loads(Path("run.json").read_text()))
    assert problems_of(trace.file) == []
    run = read_run(find_runs(Path("reports/runs"))[0])
    answers = [event for event in run.trace if event.point == "client.backward.received"]
    assert len(answers) > 10
    home = [arrow for arrow in trace.arrows("Backward") if arrow[-1][0] != "trunk"]
    assert len(home) == len(answers)
    assert all(arrow[0][0] == arrow[-1][0] and arrow[1][0] == "trunk" for arrow in home)
    assert trace.calls("client")[-1][1] == 0


def test_of_several_runs_one_must_be_named(tmp_path, write_run, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write_run(tmp_path / "runs" / name)

    assert main(["report", "runs", "--trace", "run.json"]) == 2
    assert "--trace is of one run, and 2 were chosen. Name one of them; the last are a, b." in capsys.readouterr().err
    assert not Path("run.json").exists()
    assert not Path("reports").exists()
    assert main(["report", "runs/a", "--trace", "out/run.json", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trace"] == "out/run.json"
    assert problems_of(json.loads(Path("out/run.json").read_text())) == []
