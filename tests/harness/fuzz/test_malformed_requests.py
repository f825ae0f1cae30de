"""Malformed requests: repeatable, never what a client may send, each refused for its own reason."""

import copy
from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest
from google.protobuf.message import DecodeError
from malformed import ELSEWHERE, OWN_REASONS
from training import Training
from trunk.server import opening_of

from harness.fuzz.attack import Attack
from harness.fuzz.guard import must_be_refused
from harness.fuzz.sequence import attacks, examples
from harness.fuzz.target import FAR_STEP, METHODS
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.messages import commit_message
from splitlearn.wire.trunk_link import Commit


@pytest.fixture
def training(config):
    return Training(config)


def requests_of(target, seed, count):
    """Return the first requests of a sequence, without the raw connections."""
    return [attack for attack in islice(attacks(target, seed), count) if isinstance(attack, Attack)]


def test_one_seed_gives_one_sequence(small_pool):
    first, again, other = (list(islice(attacks(ELSEWHERE, seed), 3000)) for seed in (3, 3, 4))

    assert first == again
    assert first != other
    kinds = Counter(attack.kind for attack in first)
    assert {*OWN_REASONS, "any message", "any bytes", "mutation", "silent"} < kinds.keys()
    assert len({attack for attack in first if isinstance(attack, Attack)}) > 1200


def test_every_kind_is_refused_for_its_own_reason_and_nothing_changes(training):
    before = copy.deepcopy(training.state())
    pool = examples(training.target, seed=5)

    for kind, reason in OWN_REASONS.items():
        assert len(pool[kind]) > 40
        assert {reason} == {training.reason(attack) for attack in pool[kind]}, kind
        assert {reason.value} == {attack.reason for attack in pool[kind]}
    assert before == training.state()


def test_what_is_made_of_them_by_mutation_is_refused_too_and_nothing_changes(training):
    before = copy.deepcopy(training.state())
    readable = 0
    for attack in requests_of(training.target, 6, 4000):
        try:
            getattr(pb, f"{attack.method}Request").FromString(attack.body)
        except DecodeError:
            continue
        assert training.reason(attack) is not None, attack
        readable += 1

    assert readable > 2000
    assert before == training.state()


def rightful(training):
    """Return what the training client may send next, and what any other client may."""
    commit = Commit(2, 0.1, None, skip=True)
    return [
        opening_of(training.hello),
        opening_of(replace(training.hello, session_id="another"), reader=True),
        training.compute(2, 2),
        training.compute(3, commit=commit_message(commit)),
        training.compute(FAR_STEP, inference=True),
        training.compute(FAR_STEP, commit=commit_message(commit)),
        training.backward(2, 2),
        training.backward(7),
        pb.GetGradientsRequest(key=training.key(2)),
        pb.GetGradientsRequest(key=training.key(2), names=["transformer.h.1.ln_1.weight"]),
        training.sync("QUERY"),
        training.sync("COMMIT", commit=commit),
        training.sync("SAVE", 2),
        training.sync("SAVE", FAR_STEP, commit=commit),
        training.sync("CLOSE"),
    ]


def test_what_a_client_may_send_is_not_malformed(training):
    methods = [type(request).__name__.removesuffix("Request") for request in rightful(training)]
    assert set(METHODS) == set(methods)
    for method, request in zip(methods, rightful(training), strict=True):
        assert not must_be_refused(training.target, method, request.SerializeToString()), request
