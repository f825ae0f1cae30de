"""Hostile peers send malformed requests while a client trains: all are refused, and no bit of the run changes."""

from collections import Counter

import pytest

from harness.catalogue import SMALL
from harness.fuzz.memory import growth
from harness.fuzz.peers import HostilePeers, KeepPace
from harness.observer import At
from harness.record import read_lines
from harness.scenario import Scenario
from splitlearn.agreement import agreement
from splitlearn.models import FAMILY

MIB = 1 << 20
SEED = 1
# The client waits so often for its share of the requests, so that they go on all through the run.
PACES = 20
# Training alone makes the trunk's memory swing by 12 MiB. A call that gRPC does not let go of costs 20 KB, hundreds of
# MiB in the quick run; in the full one this is 300 bytes a request, which is less than its own.
MOST_GROWTH = 20 * MIB
KINDS = 33


def hostile(count: int, steps: int) -> Scenario:
    config = SMALL.but(max_steps=steps, max_message_bytes=MIB, rpc_timeout=60.0)
    identity = FAMILY.load_client(config)[1]
    peers = HostilePeers(
        At("client.step.started", 3),
        count=count,
        seed=SEED,
        hidden_size=int(identity.hidden_size),
        max_message_bytes=MIB,
        agreement=agreement(config, identity),
    )
    paces = tuple(
        KeepPace(At("client.step.started", 3 + k * (steps - 4) // PACES), count * k // PACES)
        for k in range(1, PACES + 1)
    )
    return Scenario(
        "hostile-peers",
        f"{count} malformed requests while the client trains",
        config,
        faults=(peers, *paces),
        timeout=900.0,
        recovery_bound=60.0,
    )


@pytest.mark.timeout(1200)
def test_malformed_requests_are_refused_and_change_nothing(run_scenario, pytestconfig, record_property):
    full = pytestconfig.getoption("--full")
    count, steps = (100_000, 200) if full else (20_000, 84)

    outcome = run_scenario(hostile(count, steps))

    trace = read_lines(outcome.folder / "trace.jsonl")
    points = Counter(event["point"] for event in trace)
    (report,) = (event for event in trace if event["point"] == "fuzz.finished")
    told = [event for event in trace if event["point"] == "fuzz.progress"]
    grown = growth([event["answered"] for event in told], [event["resident"] for event in told])
    per_second = round(count / report["seconds"])
    record_property("malformed requests", {**report, "per second": per_second, "bytes grown per 1000": round(grown)})
    assert [] == report["findings"]
    assert (count, KINDS) == (report["sent"], len(report["kinds"]))
    assert report["distinct"] > count / 2
    assert points["trunk.server.ready"] == points["trunk.session.opened"] == 1, (
        "the trunk lived, and nobody else got in"
    )
    began, done = (
        next(event["t"] for event in trace if (event["point"], event["step"]) == place)
        for place in (("client.step.started", 3), ("client.forward.sending", steps - 1))
    )
    assert began < told[0]["t"] < told[-1]["t"] < done, "all were answered while the client trained"
    assert told[-1]["answered"] == count
    assert grown * count / 1000 * 2 / 3 < MOST_GROWTH
