"""Scenarios as Hypothesis draws them: every field, every type of fault with every kind of parameter."""

from dataclasses import fields

from hypothesis import reject
from hypothesis import strategies as st

from harness.errors import ScenarioError
from harness.plan.adversaries import HostilePeers, KeepPace, LyingTrunk
from harness.plan.catalogue import SMALL
from harness.plan.faults import (
    PARTIES,
    Absence,
    BitRot,
    Blackhole,
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
from harness.plan.links import LINKS, LinkProfile
from harness.plan.rpcs import RPCS
from harness.plan.scenario import CHECKS, Scenario
from harness.trace.place import At
from splitlearn.points import POINTS, Frequency
from splitlearn.registry import CODECS

TYPES = (
    Absence, BitRot, Blackhole, CutMessage, DiskFault, DropConnection, FlippedStream, Kill, MessageFault, NetworkFault,
    OtherClientFault, OvertakenRequest, Partition, Pause, PowerLoss, Restart, TakeOver,
)  # fmt: skip
ADVERSARIES = (HostilePeers, KeepPace, LyingTrunk)
PASSED = [point for point, frequency in POINTS.items() if frequency is not Frequency.CHECKPOINT]
names = st.text(min_size=1, max_size=37).filter(  # of four bytes each
    lambda name: name.isprintable() and name not in (".", "..") and not set(name) & set("/\\")
)
seconds = st.floats(0, 1e6)
lasting = st.floats(0, 21)  # the shortest timeout
messages = st.integers(1, 10**6)
places = st.builds(
    At, st.sampled_from(PASSED), st.none() | st.integers(0, 5), st.none() | st.integers(0, 2), st.integers(1, 3)
)
methods = st.sampled_from([rpc.method for rpc in RPCS])


def faults_of(kind):
    """Draw faults of one type; what its annotations do not bound is bounded here."""
    bounds = {
        "at": places,
        "method": methods,
        "seconds": lasting,
        "within": lasting,
        "bytes": st.integers(0, 1 << 20),
        "bit": st.integers(0, 1 << 20),
        "count": messages,
        "times": st.integers(1, 1000),
        "client": st.integers(2, 3),
        "answered": messages,
    }
    return st.builds(kind, **{field.name: bounds[field.name] for field in fields(kind) if field.name in bounds})


faults = st.one_of(*map(faults_of, TYPES))
adversaries = st.one_of(*map(faults_of, ADVERSARIES))
speeds = st.integers(0, 10**6)
links = st.sampled_from(list(LINKS.values())) | st.builds(
    LinkProfile, st.text(), st.integers(100, 1000), st.integers(0, 100), speeds, speeds, st.text()
)
configs = st.builds(
    SMALL.but,
    codec=st.sampled_from(["raw", *(name for name in CODECS if name != "raw")]),
    seed=st.integers(0, 2**63 - 1),
    learning_rate=st.floats(1e-30, 1e30),
    dropout=st.none() | st.floats(0, 0.9),
    token_file=st.none() | st.just("a/token"),
)


@st.composite
def scenarios(draw):
    """Draw a scenario that makes sense."""
    config = draw(configs)
    # Of these settings, the trunk has one value for all of its clients.
    others = configs.map(lambda drawn: drawn.but(seed=config.seed, dropout=config.dropout))
    try:
        return Scenario(
            name=draw(names),
            title=draw(st.text()),
            config=config,
            link=draw(links),
            faults=draw(st.lists(faults, max_size=4, unique_by=lambda fault: fault.name).map(tuple)),
            adversaries=draw(st.lists(adversaries, max_size=3, unique_by=lambda each: each.name).map(tuple)),
            checks=draw(st.lists(st.sampled_from(CHECKS)).map(tuple)),
            timeout=draw(st.floats(21, 1e6)),
            timed=draw(st.booleans()),
            expects=draw(st.lists(st.sampled_from(list(POINTS))).map(tuple)),
            record_steps=draw(st.lists(st.integers(0, 5)).map(tuple)),
            recovery_bound=draw(seconds),
            idle_timeout=draw(seconds),
            loss_below=draw(seconds),
            materials=draw(st.lists(st.text()).map(tuple)),
            party_settings=draw(st.dictionaries(st.sampled_from(PARTIES), st.just({"threads": 2, "token_file": "t"}))),
            other_clients=draw(st.lists(others, max_size=3).map(tuple)),
        )
    except ScenarioError:
        reject()
