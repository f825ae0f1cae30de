"""The matrices cover every point, victim, RPC and fault, including points that are added later."""

from collections import Counter
from itertools import combinations, pairwise, product

import pytest

from harness.engine.materials import with_materials
from harness.oracle.batches import Batches
from harness.plan.catalogue import CATALOGUE
from harness.plan.faults import MESSAGE_FAILURES, NETWORK_FAILURES, VICTIMS, Kill, MessageFault, Pause
from harness.plan.faults.damage import SPOTS
from harness.plan.faults.flip import PARTS
from harness.plan.faults.messages import CORRUPTIONS
from harness.plan.matrices import CONFIG, PAIRS, SETTINGS, kill_matrix, network_matrix
from harness.plan.matrices import scenario as scenario_of
from harness.plan.quick import all_pairs, by_kind, by_point, spread
from harness.plan.rpcs import RPCS
from harness.plan.variants import CHOICES, VARIANTS, drawn_variant, variant_of
from splitlearn.data import load_training_data
from splitlearn.optimizer import LearningRate
from splitlearn.points import POINTS, Frequency
from splitlearn.wire import compute_service_pb2 as pb

PLAIN = scenario_of("plain", "Nothing happens")
KILLS, NETWORK = CATALOGUE["kill-matrix"], CATALOGUE["network-matrix"]


def test_every_party_is_killed_at_every_point():
    tried = {(kill.at.point, kill.victims) for scenario in KILLS for kill in scenario.faults[-1:]}
    assert set(product(POINTS, VICTIMS)) == tried


@pytest.mark.parametrize("frequency", [Frequency.STEP, Frequency.MICROBATCH])
def test_points_of_every_step_are_tried_at_the_first_a_middle_and_a_checkpoint_step(frequency):
    skipped = "client.step.skipped"  # only steps after the norm has left the numbers are
    for point in (name for name in POINTS if POINTS[name] is frequency and name != skipped):
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


def test_microbatches_are_killed_at_the_first_the_middle_and_the_last():
    places = [scenario.faults[-1].at for scenario in KILLS]
    for point in (name for name, frequency in POINTS.items() if frequency is Frequency.MICROBATCH):
        microbatches = {at.microbatch for at in places if at.point == point}
        assert microbatches in ({0, 1, 2}, {None}), point
    assert 3 == CONFIG.gradient_accumulation_steps


def test_faults_of_the_network_hit_every_microbatch_of_every_rpc_that_has_one():
    for rpc in (rpc for rpc in RPCS if rpc.sending.microbatch is not None):
        own = [scenario.faults[-1] for scenario in NETWORK if scenario.name.startswith(f"net-{rpc.method}-")]
        hit = {(isinstance(fault, MessageFault), fault.at.microbatch) for fault in own}
        assert set(product((True, False), range(3))) == hit


def test_a_new_point_joins_the_matrix_by_itself(monkeypatch):
    monkeypatch.setitem(POINTS, "trunk.weather.changed", Frequency.STEP)
    new = [scenario for scenario in kill_matrix() if scenario.faults[-1].at.point == "trunk.weather.changed"]
    assert 9 == len(new)


def test_every_rpc_of_the_contract_is_in_the_network_matrix():
    methods = {method.name for method in pb.DESCRIPTOR.services_by_name["ComputeService"].methods}
    assert methods == {rpc.method for rpc in RPCS}


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.method)
def test_every_fault_of_the_network_meets_every_rpc_on_both_sides(rpc):
    own = [s.faults[-1] for s in NETWORK if s.name.startswith(f"net-{rpc.method}-")]
    kinds = {(fault.name.partition("@")[0].removesuffix(f"-{rpc.method}"), fault.at.point) for fault in own}
    sides = {"upstream": (rpc.sending.point, rpc.received.point), "downstream": (rpc.replying.point,)}
    for stream, places in sides.items():
        connection = {
            "drop",
            "partition-1s",
            f"cut-{stream}-20",
            *(f"{failure}-{stream}" for failure in NETWORK_FAILURES),
        }
        assert connection <= {kind for kind, place in kinds if place in places}
    assert {rpc.method} == {fault.method for fault in own if not isinstance(fault, Pause)}
    failures = {fault.failure for fault in own if isinstance(fault, MessageFault)}
    assert set(MESSAGE_FAILURES) == failures
    spots = {(fault.failure, fault.spot) for fault in own if isinstance(fault, MessageFault)}
    assert set(product(CORRUPTIONS, SPOTS)) <= spots


@pytest.mark.parametrize("group", ["kill-matrix", "network-matrix"])
def test_with_error_feedback_there_is_every_cell_and_something_is_owed_in_each(group):
    """Texts are packed: each step has the shapes of the one before."""
    plain, fed_back = CATALOGUE[group], CATALOGUE[f"{group}-ef"]
    assert [(f"{cell.name}-ef", cell.faults) for cell in plain] == [(cell.name, cell.faults) for cell in fed_back]
    assert {("topk-ef", "packed")} == {(cell.config.codec, cell.config.data_format) for cell in fed_back}
    assert len({as_settings(cell) for cell in fed_back}) <= 1 + len(SETTINGS)


def as_settings(scenario):
    return scenario.materials, tuple(sorted((name, str(value)) for name, value in scenario.config.model_dump().items()))


def test_cells_have_many_settings_and_few_references():
    """One reference per variant, and one more for each point that needs its own settings."""
    cells = {as_settings(scenario) for scenario in (*KILLS, *NETWORK)}
    assert len(VARIANTS) + len(SETTINGS) == len(cells)
    for matrix in (KILLS, NETWORK):
        count = Counter(as_settings(scenario) for scenario in matrix)
        assert min(count[as_settings(variant.applied(PLAIN))] for variant in VARIANTS) > len(matrix) / 20


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.title or "plain")
def test_a_variant_has_a_microbatch_for_every_fault_of_the_matrices(variant, tmp_path):
    made = with_materials(variant.applied(PLAIN), tmp_path).config
    batches = Batches(made, load_training_data(made).sequences)
    assert min(len(batches.step(step)) for step in (0, 2, 3)) >= 3
    assert batches.total_steps == CONFIG.max_steps


def test_the_settings_of_a_cell_are_the_same_every_time_and_stand_in_its_title():
    assert list(network_matrix()) == list(NETWORK)
    for scenario in NETWORK:
        assert variant_of(scenario.name).title in scenario.title


def test_pairs_are_drawn_from_every_choice_and_say_which():
    pairs = CATALOGUE["pairs"]
    assert [drawn_variant(seed) for seed in range(PAIRS)] == [drawn_variant(seed) for seed in range(PAIRS)]
    assert len({as_settings(scenario.but(seed=0)) for scenario in pairs}) > PAIRS / 2
    for name, choices in CHOICES.items():
        assert {str(choice) for choice in choices} == {str(getattr(scenario.config, name)) for scenario in pairs}
    assert {(), ("untied",), ("short text",)} == {scenario.materials for scenario in pairs}
    for seed, scenario in enumerate(pairs):
        assert drawn_variant(seed).title in scenario.title
        assert all(
            (fault.at.microbatch or 0) < scenario.config.gradient_accumulation_steps for fault in scenario.faults
        )


def test_a_bit_is_altered_in_every_part_of_the_stream_both_ways():
    flips = [scenario.faults for scenario in CATALOGUE["flips"]]
    alone = {(fault.stream, fault.part) for faults in flips if len(faults) == 1 for fault in faults}
    assert {(stream, part) for stream in PARTS for part in PARTS[stream]} == alone
    many = [faults for faults in flips if len(faults) > 1]
    assert len(many) >= 10
    assert {"anywhere"} < {fault.part for faults in many for fault in faults}
    assert len(set(many)) == len(many)


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


def test_a_choice_of_all_pairs_has_every_pair_of_settings_in_a_fraction_of_the_runs():
    grid = CATALOGUE["equivalence-grid"]
    chosen = all_pairs(grid)

    def pairs(scenarios):
        settings = [scenario.config.model_dump(mode="json") for scenario in scenarios]
        return {
            (one, str(each[one]), other, str(each[other])) for each in settings for one, other in combinations(each, 2)
        }

    assert pairs(chosen) == pairs(grid)
    assert len(chosen) < len(grid) / 3
