"""A scenario that makes no sense is refused when it is made, with a message that says what to change."""

import math
from dataclasses import dataclass, replace
from functools import partial

import pytest

from harness.errors import ScenarioError, UnusableError
from harness.plan.adversaries import HostilePeers, KeepPace, LyingTrunk
from harness.plan.catalogue import SMALL
from harness.plan.faults import (
    Absence,
    BitRot,
    CutMessage,
    DiskFault,
    DropConnection,
    FlippedStream,
    Kill,
    MessageFault,
    NetworkFault,
    OtherClientFault,
    OvertakenRequest,
    Partition,
    Pause,
    PowerLoss,
    Restart,
    TakeOver,
)
from harness.plan.links import WAN_50MS, LinkProfile
from harness.plan.matrices import CONFIG
from harness.plan.rules import RULES, broken_rules
from harness.plan.rungs import on_rung
from harness.plan.scenario import Scenario
from harness.trace.place import At, AtAny
from splitlearn.config import TrainingConfig

MINE = Scenario("mine", "Mine", SMALL)
HERE = At("client.forward.sent", 2, 1)
SAVED = At("trunk.checkpoint.saved", 3)


@dataclass(frozen=True)
class Odd(DropConnection):
    """A drop in a group that no table has."""

    group = "conection"


MISTYPED = [
    Kill(HERE, "trunk"),
    Kill(HERE, ["trunk"]),
    Kill(HERE, ("trunk", "nobody")),
    Kill("client.forward.sent", ("trunk",)),
    Kill(At("client.forward.sent", "2"), ("trunk",)),
    Kill(At("client.forward.sent", 2, 1, 1.5), ("trunk",)),
    Restart(HERE, "client-2"),
    Pause(HERE, "trunk", "2"),
    MessageFault(HERE, "lose reply", "Compute"),
    MessageFault(HERE, "corrupt-reply", "Compute", "nowhere"),
    NetworkFault(HERE, "half-open", "sideways"),
    DropConnection(HERE, None),
    FlippedStream(HERE, "upstream", "body"),
    DiskFault(HERE, "fulll", "trunk"),
    DiskFault(HERE, "full", "trunk", True),
    PowerLoss(HERE, "nobody"),
    BitRot(HERE, "nobody"),
    BitRot(HERE, "trunk", "middle"),
    BitRot(HERE, "trunk", "newest", 1.5),
    OtherClientFault(HERE, 2, "explode"),
    OtherClientFault(HERE, "2", "kill"),
    TakeOver(HERE, None),
]
BROKEN = {
    "fields_have_their_types": (
        [*({"faults": (fault,)} for fault in MISTYPED), {"adversaries": (KeepPace(HERE, "3"),)}],
        ": Input should be ",
    ),
    "name_fits_a_folder": (
        [{"name": name} for name in ("", ".", "..", "/../../x", "a\\b", "a\0b", "a\nb", "\ud800", "x" * 151, "é" * 76)],
        "folder's name",
    ),
    "numbers_can_be_meant": (
        [
            {"timeout": math.nan},
            {"timeout": math.inf},
            {"timeout": 0.0},
            {"recovery_bound": -1.0},
            {"idle_timeout": math.nan},
            {"loss_below": math.inf},
            {"record_steps": (3, -4)},
            {"faults": (Kill(replace(HERE, occurrence=0), ("client",)),)},
            {"faults": (Kill(replace(HERE, microbatch=-1), ("client",)),)},
        ],
        "",
    ),
    "amounts_can_be_meant": (
        [
            *({"faults": (Partition(HERE, seconds),)} for seconds in (-1.0, 241.0, math.nan, math.inf)),
            *({"faults": (Pause(HERE, "trunk", seconds),)} for seconds in (-1.0, 241.0)),
            *({"faults": (Absence(HERE, within),)} for within in (-1.0, 241.0)),
            *({"faults": (CutMessage(HERE, "upstream", length),)} for length in (-1, 1 + (256 << 20))),
            *(
                {"adversaries": (kind(HERE, count, 1),)}
                for kind in (HostilePeers, LyingTrunk)
                for count in (0, 10**6 + 1)
            ),
            *({"adversaries": (KeepPace(HERE, answered),)} for answered in (0, 10**6 + 1)),
            *({"faults": (BitRot(HERE, "trunk", "newest", bit),)} for bit in (-5, 1 + (1 << 40))),
            *({"faults": (PowerLoss(HERE, "trunk", changes),)} for changes in (-1, 1001)),
            *({"faults": (DiskFault(HERE, "full", "trunk", times),)} for times in (0, 1001)),
        ],
        ": give ",
    ),
    "topology_is_known": (
        [{"topology": "proxi"}],
        "there is no topology 'proxi' (did you mean 'proxy'?); there are local, direct, proxy",
    ),
    "points_are_known": (
        [{"expects": ("trunk.graph.recomputd",)}, {"faults": (DropConnection(At("trunk.graph.recomputd", 1)),)}],
        "there is no point 'trunk.graph.recomputd' (did you mean 'trunk.graph.recomputed'?)",
    ),
    "methods_are_known": (
        [{"faults": (fault,)} for fault in (DropConnection(HERE, "Computee"), MessageFault(HERE, "late", "Computee"))],
        "there is no RPC 'Computee' (did you mean 'Compute'?); there are OpenSession, Compute, Backward",
    ),
    "groups_are_known": (
        [{"faults": (Odd(HERE),)}],
        "there is no group of faults 'conection' (did you mean 'connection'?)",
    ),
    "faults_have_a_proxy": (
        [{"topology": topology, "faults": (DropConnection(HERE),)} for topology in ("direct", "local")],
        "has no proxy, and so no faults; make it 'proxy', or leave the faults out",
    ),
    "adversaries_have_a_trunk_to_attack": (
        [{"topology": "local", "adversaries": (LyingTrunk(HERE, 10, 1),)}],
        "topology 'local' has no trunk that adversaries could reach",
    ),
    "links_have_a_proxy": (
        [{"topology": "direct", "link": WAN_50MS}],
        "topology 'direct' has no proxy, which alone makes the link 'wan_50ms'; make it 'proxy'",
    ),
    "links_are_possible": (
        [{"link": LinkProfile("odd", -1, 0, 0, 0, "none")}, {"link": LinkProfile("odd", 5, 6, 0, 0, "none")}],
        "link 'odd': ",
    ),
    "faults_happen_within_the_run": (
        [{"faults": (Kill(At("client.step.started", step), ("trunk",)),)} for step in (6, 7, -1)]
        + [{"faults": (CutMessage(At("client.session.opening", 7), "upstream", 20),)}]
        + [{"config": CONFIG, "faults": (Kill(At(SAVED.point, step), ("client",)),)} for step in (0, 3, 7)]
        + [
            {"faults": (Kill(SAVED, ("client",)),)},
            {"adversaries": (LyingTrunk(At("client.step.started", 6), 10, 1),)},
        ],
        "the run does not pass that point at step",
    ),
    "faults_have_names_of_their_own": (
        [{"faults": (DropConnection(HERE), DropConnection(HERE, "Compute"))}],
        "2 faults or adversaries are called drop@client.forward.sent.2.1; give each a place of its own",
    ),
    "party_settings_are_allowed": (
        [{"party_settings": {"trunk": {"threads": 0}}}],
        "settings of the trunk: threads = 0: Input should be greater than or equal to 1",
    ),
    "cuts_fit_the_preset": (
        [{"config": SMALL.but(cuts="1:5")}],
        "cuts 1:5 need 5 blocks; the model 'tiny' has 4",
    ),
    "a_loss_is_stated_where_it_is_checked": (
        [{"checks": ("convergence",)}, {"checks": ("convergence",), "loss_below": -1.0}],
        "needs a value below which the loss must fall; set loss_below",
    ),
    "other_clients_have_a_trunk_to_share": (
        [{"topology": "local", "other_clients": (SMALL,)}, {"checks": ("other_clients",)}],
        "other client",
    ),
    "other_clients_agree_with_the_trunk": (
        [
            {"other_clients": (SMALL, SMALL.but(**changed))}
            for changed in ({"seed": 7}, {"cuts": "0:2"}, {"model": "mini", "cuts": "1:3"}, {"threads": 2})
        ],
        "at client-3 and",
    ),
    "faults_of_other_clients_have_one": (
        [{"faults": (OtherClientFault(At("client.forward.sent", 2, 0), 2, "kill"),)}],
        "there is no client-2; name one of other_clients, which are numbered from 2",
    ),
    "times_are_taken_without_the_reference_beside": ([{"checks": ("step_time",)}], "set timed=True"),
    "a_run_may_take_longer_than_a_call": (
        [{"timeout": 20.0}, {"timeout": 20.0, "config": SMALL.but(rpc_timeout=1.0), "other_clients": (SMALL,)}],
        "timeout 20 s is no longer than one call may take (rpc_timeout 20 s); make it longer",
    ),
}
CASES = [(rule, changes, message) for rule, (several, message) in BROKEN.items() for changes in several]


@pytest.mark.parametrize(("changes", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_that_breaks_a_rule_cannot_be_made(changes, message):
    with pytest.raises(ScenarioError) as refused:
        replace(MINE, **changes)
    assert str(refused.value).startswith(f"scenario {changes.get('name', 'mine')!r}: ")
    assert message in str(refused.value)


@pytest.mark.parametrize("letter", ["x", "é"])
def test_names_of_rungs_fit_whatever_the_scenarios_name(letter):
    longest = replace(MINE, name=letter * (150 // len(letter.encode())))
    rung = on_rung(on_rung(longest, "direct"), "local")
    assert rung.name.endswith("-rung-local")
    assert "mine-rung-local" == on_rung(MINE, "local").name


@pytest.mark.parametrize("method", ["Commit", ""])
@pytest.mark.parametrize("fault", [partial(OvertakenRequest, HERE), partial(MessageFault, HERE, "late")])
def test_a_fault_of_a_message_needs_an_rpc(fault, method):
    with pytest.raises(ScenarioError, match=f"there is no RPC '{method}'.*; there are OpenSession"):
        replace(MINE, faults=(fault(method),))


def test_a_field_of_another_type_says_what_to_give():
    with pytest.raises(ScenarioError) as refused:
        replace(MINE, faults=(Kill(HERE, "trunk"), Kill(At("client.forward.sent", "2"), ("trunk",))), topology="proxi")
    assert str(refused.value) == (
        "scenario 'mine': Kill: victims = 'trunk': Input should be a valid tuple\n"
        "Kill: at.step = '2': Input should be a valid integer"
    )


def test_every_rule_is_among_these():
    assert {rule.__name__ for rule in RULES} == {*BROKEN, "points_are_known", "party_settings_are_allowed"}


@pytest.mark.parametrize(
    ("party_settings", "message"),
    [
        ({"trnk": {"threads": 2}}, "there is no party 'trnk' (did you mean 'trunk'?); there are client and trunk"),
        ({"trunk": {"thread": 2}}, "there is no setting 'thread' (did you mean 'threads'?)"),
    ],
)
def test_settings_of_a_party_are_those_that_there_are(party_settings, message):
    with pytest.raises(ScenarioError) as refused:
        replace(MINE, party_settings=party_settings)
    assert message in str(refused.value)


def test_settings_of_the_client_are_those_of_every_client():
    others = (SMALL, SMALL.but(max_steps=5))
    with pytest.raises(ScenarioError, match=r"settings of the client: .*warmup_steps = 6: at most max_steps \(5\)"):
        replace(MINE, party_settings={"client": {"warmup_steps": 6}}, other_clients=others)


def test_settings_are_changed_at_every_client():
    changed = replace(MINE, other_clients=(SMALL.but(learning_rate=1e-2),)).but(seed=7)
    assert (SMALL.but(seed=7, learning_rate=1e-2),) == changed.other_clients


def test_a_microbatch_that_no_step_has_is_refused():
    with pytest.raises(ScenarioError, match="a step has no microbatch 3; gradient_accumulation_steps makes 3 of them"):
        replace(MINE, faults=(DropConnection(At("client.forward.sent", 2, 3)),))


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ScenarioError) as refused:
        replace(MINE, topology="proxi", checks=("convergence", "step_time"))
    assert 3 <= len(str(refused.value).splitlines())


def test_it_is_the_users_mistake():
    assert issubclass(ScenarioError, UnusableError)


@pytest.mark.parametrize(
    "changes",
    [
        {"faults": (Kill(At("trunk.checkpoint.saved", 6), ("client",)),)},  # saved at the end
        {"config": CONFIG, "faults": (Kill(At("trunk.checkpoint.saved", 4), ("client",)),)},
        {
            "config": CONFIG,
            "faults": (Kill(SAVED, ("client",)), Restart(HERE, "client")),
        },  # who stops saves where it is
        {"config": TrainingConfig(), "faults": (Kill(At("client.step.started", 700), ("client",)),)},  # of any length
        {"faults": (DropConnection(At("client.step.started")),)},
        {"loss_below": 1.0},
        {"faults": (Partition(HERE, 0.0), Pause(HERE, "trunk", 240.0), CutMessage(HERE, "upstream", 0))},
        {"adversaries": (HostilePeers(HERE, 10**6, 1), KeepPace(HERE, 1))},
        {"faults": (Pause(HERE, "trunk", 2), Kill(AtAny("client.forward.sent", 2), ("trunk",)))},
        {"faults": (PowerLoss(HERE, "client", 1000), BitRot(HERE, "trunk", bit=1 << 40))},
        {"config": SMALL.but(model="a/folder", cuts="5:20")},
    ],
    ids=str,
)
def test_what_may_well_happen_is_allowed(changes):
    assert [] == broken_rules(replace(MINE, **changes))
