"""Safeguards of the protocol, switched off: something fails without them, and nothing with them."""

from pkgutil import resolve_name

import pytest
from sim.worlds import scenario_of

from harness.plan.faults import Kill, MessageFault, PowerLoss
from harness.sim.ablating import Row, fails_without, failures_without, violation_without
from harness.sim.ablations import ABLATIONS
from harness.sim.case import Case, SimulatedIn
from harness.sim.explore import Failure, case_of
from harness.trace.place import At

DUPLICATE = MessageFault(At("client.backward.sending", 3, 0), "duplicate", "Backward")
LATE_OPENING = MessageFault(At("client.session.opening"), "late", "OpenSession")
LATE_COMPUTE = MessageFault(At("client.forward.sending", 3, 0), "late", "Compute")
CORRUPT = MessageFault(At("client.forward.sending", 2, 0), "corrupt-request", "Compute", "head")
NO_POWER = PowerLoss(At("trunk.commit.applied", 6), "trunk")
# What each of these safeguards guards against.
FOUND = {
    "backward-once": (DUPLICATE, "bits"),
    "fencing": (LATE_COMPUTE, "one incarnation"),
    "compare-and-swap": (LATE_OPENING, "completion"),
    "message-checksum": (CORRUPT, "completion"),
    "file-sync": (NO_POWER, "completion"),
    "folder-sync": (NO_POWER, "completion"),
    "two-halves": (Kill(At("client.checkpoint.writing", occurrence=2), ("client",)), "completion"),
    "client-half-last": (Kill(At("client.checkpoint.saved"), ("client",)), "completion"),
}


def case_with(*faults, **world):
    return Case(scenario_of(*faults), SimulatedIn(1, **world))


@pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=list(ABLATIONS))
def test_every_part_that_an_ablation_replaces_exists_and_is_back_afterwards(ablation):
    before = [resolve_name(swap.target) for swap in ablation.swaps]
    with ablation.switched_off():
        assert all(resolve_name(swap.target) is not part for swap, part in zip(ablation.swaps, before, strict=True))
    assert [resolve_name(swap.target) for swap in ablation.swaps] == before


@pytest.mark.parametrize("name", FOUND)
def test_a_fault_shows_what_its_safeguard_is_for(name):
    fault, invariant = FOUND[name]
    case = case_with(fault)

    assert violation_without("", case) is None
    assert violation_without(name, case).invariant == invariant


def test_drawn_schedules_find_what_is_switched_off_and_blame_no_correct_system():
    assert failures_without("", range(8), "stub") == ((), 8)
    for name in ("commit-once", "retry"):
        failures, _tried = failures_without(name, range(4, 10), "stub")
        assert failures, name
        assert fails_without(name, failures[0].invariant)(case_of(failures[0].seed, "stub"))


def test_a_row_is_explained_by_its_failures_or_its_argument():
    failure = (Failure(3, "bits", "other bits"), Failure(5, "bits", "other bits"))

    assert Row(None, 100, ()).is_explained
    assert not Row(None, 100, failure).is_explained
    assert Row(ABLATIONS["fencing"], 100, failure).is_explained
    assert not Row(ABLATIONS["fencing"], 100, ()).is_explained
    assert Row(ABLATIONS["heartbeat"], 100, ()).is_explained
    assert Row(ABLATIONS["fencing"], 100, failure).per_10_000 == 200
