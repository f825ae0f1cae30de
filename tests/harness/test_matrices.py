"""The matrices hold every point, victim, RPC and fault, whatever points there will be."""

from itertools import pairwise, product

import pytest

from harness.catalogue import CATALOGUE
from harness.faults import ILLNESSES, MISHAPS, VICTIMS, Kill, Pause, SpoiledMessage
from harness.matrices import CONFIG, PAIRS, kill_matrix
from harness.quick import by_kind, by_point, spread
from harness.rpcs import RPCS
from splitlearn.optimizer import LearningRate
from splitlearn.probe import POINTS, Scope
from splitlearn.wire import compute_service_pb2 as pb

KILLS, NETWORK = CATALOGUE["kill-matrix"], CATALOGUE["network-matrix"]


def test_every_party_is_killed_at_every_point():
    tried = {(kill.at.point, kill.victims) for scenario in KILLS for kill in scenario.faults[-1:]}
    assert set(product(POINTS, VICTIMS)) == tried


@pytest.mark.parametrize("scope", [Scope.STEP, Scope.MICROBATCH])
def test_points_of_every_step_are_tried_at_the_first_a_middle_and_a_checkpoint_step(scope):
    skipped = "client.step.skipped"  # only steps after the norm has left the numbers are
    for point in (name for name in POINTS if POINTS[name] is scope and name != skipped):
        steps = {scenario.faults[-1].at.step for scenario in KILLS if scenario.faults[-1].at.point == point}
        assert {0, 2, 3} == steps, point
    assert 0 == (3 + 1) % CONFIG.save_interval


def test_every_step_changes_weights():
    rate = LearningRate(CONFIG, CONFIG.max_steps)
    assert all(rate.at(step) > 0 for step in range(CONFIG.max_steps))


def test_programs_are_killed_when_sessions_are_opened_again():
    again = {scenario.faults[-1].at.point for scenario in KILLS if scenario.faults[-1].at.occurrence > 1}
    sessions = {f"{party}.session.{what}" for party in ("client", "trunk") for what in ("opening", "opened")}
    assert {*sessions, "trunk.server.starting", "trunk.server.ready"} == again


def test_microbatches_are_killed_in_the_middle_of_accumulation():
    places = [scenario.faults[-1].at for scenario in KILLS]
    microbatches = {at.microbatch for at in places if POINTS[at.point] is Scope.MICROBATCH}
    assert {1, None} == microbatches
    assert 3 == CONFIG.gradient_accumulation_steps


def test_a_new_point_joins_the_matrix_by_itself(monkeypatch):
    monkeypatch.setitem(POINTS, "trunk.weather.changed", Scope.STEP)
    new = [scenario for scenario in kill_matrix() if scenario.faults[-1].at.point == "trunk.weather.changed"]
    assert 9 == len(new)


def test_every_rpc_of_the_contract_is_in_the_network_matrix():
    methods = {method.name for method in pb.DESCRIPTOR.services_by_name["ComputeService"].methods}
    assert methods == {rpc.method for rpc in RPCS}


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.method)
def test_every_fault_of_the_network_meets_every_rpc_on_both_sides(rpc):
    own = [s.faults[-1] for s in NETWORK if s.name.startswith(f"net-{rpc.method}-")]
    kinds = {(fault.name.partition("@")[0].removesuffix(f"-{rpc.method}"), fault.at) for fault in own}
    sides = {"upstream": (rpc.sending, rpc.received), "downstream": (rpc.replying,)}
    for stream, places in sides.items():
        connection = {"drop", "partition-1s", f"cut-{stream}-20", *(f"{illness}-{stream}" for illness in ILLNESSES)}
        assert connection <= {kind for kind, place in kinds if place in places}
    assert {rpc.method} == {fault.method for fault in own if not isinstance(fault, Pause)}
    mishaps = {fault.mishap for fault in own if isinstance(fault, SpoiledMessage)}
    assert set(MISHAPS) == mishaps


def test_pairs_are_many_and_the_same_every_time():
    pairs = CATALOGUE["pairs"]
    assert (PAIRS, PAIRS) == (len(pairs), len({scenario.faults for scenario in pairs}))
    assert PAIRS >= 50
    places = [[fault.at.step for fault in scenario.faults] for scenario in pairs]
    assert all(second - first >= 2 for first, second in places), "what each leaves behind can be told apart"
    kinds = {by_kind(scenario).split("-")[0] for scenario in pairs}
    assert {"kill", "restart", "pause", "drop", "partition", "cut"} <= kinds


def test_a_long_haul_has_a_fault_every_few_steps():
    haul = next(scenario for scenario in CATALOGUE["long-hauls"] if scenario.name == "long-haul")
    steps = [fault.at.step for fault in haul.faults]
    assert 300 == haul.config.max_steps
    assert max(later - earlier for earlier, later in pairwise(steps)) <= 6
    assert "memory" in haul.checks


def test_the_quick_part_has_every_point_and_every_victim():
    quick = spread(KILLS, by_point)
    assert sorted(POINTS) == [scenario.faults[-1].at.point for scenario in quick]
    assert set(VICTIMS) == {kill.victims for s in quick for kill in s.faults[-1:] if isinstance(kill, Kill)}
    assert {None, 0, 2, 3} <= {scenario.faults[-1].at.step for scenario in quick}
