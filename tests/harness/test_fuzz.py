"""Malformed requests: repeatable, never what a client may send, each refused for its own reason, all counted."""

import copy
import os
import random
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import grpc
import pytest
import torch
from google.protobuf.message import DecodeError
from trunk.server import Trunk, hello_of, opening_of, service_of

from harness.errors import HarnessError
from harness.events import At
from harness.fuzz import FuzzReport, Target, fuzz, sending, sequence
from harness.fuzz import calls as fuzz_calls
from harness.fuzz import raw as fuzz_raw
from harness.fuzz.attack import Answer, Attack
from harness.fuzz.guard import must_be_refused
from harness.fuzz.memory import growth
from harness.fuzz.peers import HostilePeers, KeepPace
from harness.fuzz.program import FuzzProgram
from harness.fuzz.raw import SILENT
from harness.fuzz.sequence import attacks, examples
from harness.fuzz.target import FAR_STEP, METHODS
from harness.observer import Observer
from splitlearn.config import TrainingConfig
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire import options
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.link import Commit, Position
from splitlearn.wire.messages import commit_message, key_message
from splitlearn.wire.seal import readable
from splitlearn.wire.status import refuse
from splitlearn.wire.tensors import encode_tensor

SECONDS = 60
MIB = 1 << 20
ELSEWHERE = Target("127.0.0.1:1", "run", 1_000_000_001, 32, MIB, {"model": "gpt2", "seed": "7"})

OWN_REASONS = {
    "NaN or infinity": Reason.NON_FINITE,
    "wrong shape": Reason.BAD_SHAPE,
    "size of zero or less": Reason.BAD_SIZE,
    "huge shape": Reason.TOO_LARGE,
    "too many positions": Reason.BAD_SHAPE,
    "wrong dtype": Reason.BAD_DTYPE,
    "unknown codec": Reason.UNKNOWN_CODEC,
    "wrong checksum": Reason.CORRUPT,
    "wrong length": Reason.BAD_DATA,
    "decompression bomb": Reason.DECOMPRESSION_BOMB,
    "damaged stream": Reason.BAD_DATA,
    "mask of other shape": Reason.BAD_SHAPE,
    "mask of other dtype": Reason.BAD_DTYPE,
    "mask of other numbers": Reason.BAD_DATA,
    "unknown session": Reason.UNKNOWN_SESSION,
    "stale incarnation": Reason.STALE_INCARNATION,
    "bad position": Reason.BAD_REQUEST,
    "step in the past": Reason.STEP_IN_PAST,
    "step in the future": Reason.STEP_IN_FUTURE,
    "bad commit": Reason.BAD_REQUEST,
    "unknown action": Reason.BAD_REQUEST,
    "gradients of another step": Reason.NO_GRADIENTS,
    "gradients of no parameter": Reason.BAD_REQUEST,
    "another agreement": Reason.MISMATCH,
    "no opener": Reason.BAD_REQUEST,
    "broken seal": Reason.CORRUPT,
}


@pytest.fixture
def config(config):
    """A trunk's configuration with a small limit."""
    return config.but(max_message_bytes=MIB)


HIDDEN = torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(0))
MASK = torch.ones(2, 6, dtype=torch.int64)


class Training:
    """A session in the middle of its third step, at a service without a server."""

    def __init__(self, config):
        self.service = service_of(config)
        self.hello = hello_of(config)
        self.incarnation = self.service.open_session(opening_of(self.hello)).incarnation
        for step in range(2):
            self.service.compute(self.compute(step))
            self.service.backward(self.backward(step))
            self.service.sync_training_state(self.sync("COMMIT", commit=Commit(step, 0.1, None, skip=False)))
        self.service.compute(self.compute(2, microbatches=2))
        self.service.backward(self.backward(2, microbatches=2))
        self.target = Target("", config.session, self.incarnation, 32, MIB, self.hello.agreement)

    def key(self, step, microbatches=1):
        return key_message(self.hello.session_id, self.incarnation, Position(step, 0, microbatches))

    def compute(self, step, microbatches=1, **more):
        mask = encode_tensor(MASK.to(torch.uint8), "raw", MIB)
        smashed = encode_tensor(HIDDEN, "raw", MIB)
        return pb.ComputeRequest(key=self.key(step, microbatches), smashed=smashed, attention_mask=mask, **more)

    def backward(self, step, microbatches=1):
        return pb.BackwardRequest(key=self.key(step, microbatches), features_grad=encode_tensor(HIDDEN, "raw", MIB))

    def sync(self, action, step=0, commit=None):
        number = pb.SyncTrainingStateRequest.Action.Value(f"ACTION_{action}")
        message = commit_message(commit) if commit else None
        return pb.SyncTrainingStateRequest(key=self.key(step), action=number, commit=message)

    def reason(self, attack):
        """Give the reason for which a request is refused; None when it is taken."""
        method = attack.method
        request = readable(getattr(pb, f"{method}Request").FromString, seal=not attack.seal)(attack.body)
        if isinstance(request, WireError):
            return request.reason
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method).lstrip("_")
        try:
            answer = getattr(self.service, name)(request)
            list(answer) if method == "GetGradients" else None
        except WireError as error:
            return error.reason
        return None

    def state(self):
        session = self.service._sessions.get(self.hello.session_id, self.incarnation)
        gradients = {name: gradient.numpy().tobytes() for name, gradient in session.gradients().items()}
        accumulator = session._accumulator
        progress = (accumulator._next, accumulator._expected, set(accumulator._seen))
        tape = {number: entry.nbytes for number, entry in session._tape.entries.items()}
        moments = {name: moment.numpy().tobytes() for name, moment in session.moments().items()}
        return session.fingerprint(), session.applied_step, gradients, progress, tape, moments


@pytest.fixture
def training(config):
    return Training(config)


def requests_of(target, seed, count):
    """Give the first requests of a sequence, without the raw connections."""
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
    """Give what the training client may send next, and what any other client may."""
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


REFUSAL = Answer("INVALID_ARGUMENT", "BAD_SHAPE", "shape (1, 2, 3); expected anyxanyx32")
WRONG = {
    "accepted": Answer("OK", "", ""),
    "not answered in time": Answer("DEADLINE_EXCEEDED", "", "Deadline Exceeded"),
    "instead of NON_FINITE": REFUSAL,
    "UNKNOWN": Answer("UNKNOWN", "", "Exception calling application"),
    "INTERNAL BUG": Answer("INTERNAL", "BUG", "KeyError"),
    "UNAVAILABLE": Answer("UNAVAILABLE", "", "Socket closed"),
    "whose code should be INVALID_ARGUMENT": replace(REFUSAL, code="UNAVAILABLE"),
    "without saying why": replace(REFUSAL, details="no"),
}


@pytest.mark.parametrize(("words", "answer"), WRONG.items(), ids=WRONG)
def test_an_answer_that_is_no_proper_refusal_is_a_finding(words, answer):
    reason = "NON_FINITE" if answer is REFUSAL else ""

    assert words in Attack("kind", "Compute", b"", reason).finding(answer)
    assert Attack("kind", "Compute", b"").finding(REFUSAL) == ""
    assert Attack("kind", "Compute", b"", "BAD_SHAPE").finding(REFUSAL) == ""


class Sloppy(grpc.GenericRpcHandler):
    """A server that answers every request in one way."""

    def __init__(self, answer):
        def behavior(_body, context):
            return answer(context)

        self._handler = grpc.unary_unary_rpc_method_handler(behavior)
        self._threads = ThreadPoolExecutor(8)
        self._server = grpc.server(self._threads, [self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def service(self, _details):
        return self._handler

    def stop(self):
        self._server.stop(None).wait(SECONDS)
        self._threads.shutdown()


def bug(context):
    refuse(context, WireError(Reason.BUG, "KeyError: 7"))


def only_corrupt(context):
    refuse(context, WireError(Reason.CORRUPT, "always"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _context: b"", "was accepted"),
        (bug, "INTERNAL BUG"),
        (only_corrupt, "was refused as DATA_LOSS CORRUPT instead of"),
        (lambda _context: threading.Event().wait(1.0) and b"", "not answered in time"),
    ],
    ids=["accepts all", "bug", "one reason for all", "hangs"],
)
def test_a_sloppy_trunk_is_found_out(monkeypatch, small_pool, answer, words):
    monkeypatch.setattr(fuzz_calls, "DEADLINE_SECONDS", 0.2 if "time" in words else SECONDS)
    monkeypatch.setattr(sending, "attacks", without_connections)
    sloppy = Sloppy(answer)
    report = fuzz(replace(ELSEWHERE, address=sloppy.address), 1, 60, threading.Event())
    sloppy.stop()

    assert report.sent == 60
    assert any(words in finding for finding in report.findings)


def without_connections(target, seed):
    return (attack for attack in attacks(target, seed) if isinstance(attack, Attack))


def connections_only(target, seed):
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    yield SILENT
    while True:
        yield fuzz_raw.drawn(chance)


def test_a_connection_that_stays_open_is_found_out(monkeypatch):
    monkeypatch.setattr(fuzz_raw, "CLOSED_WITHIN_SECONDS", 0.1)
    monkeypatch.setattr(sending, "attacks", connections_only)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        report = fuzz(replace(ELSEWHERE, address=address), 1, 40, threading.Event())

    assert report.answers["still open"] > 20
    assert "did not close it in time" in report.findings[0]


@pytest.fixture
def small_pool(monkeypatch):
    """Make fewer requests beforehand, which is faster."""
    monkeypatch.setattr(sequence, "EXAMPLES_PER_KIND", 20)


@pytest.fixture
def trained(config, monkeypatch, small_pool):
    """The target of a trunk with a session that has applied two steps."""
    monkeypatch.setattr(options, "HANDSHAKE_TIMEOUT_MS", 500)
    trunk = Trunk(config)
    link = trunk.link()
    welcome = link.open(hello_of(config))
    for step in range(2):
        at = Position(step, 0, 1)
        link.forward(at, HIDDEN, MASK, None).result()
        link.backward(at, HIDDEN).result()
        link.commit(Commit(step, 0.1, None, skip=False))
    yield Target(trunk.address, config.session, welcome.incarnation, 32, MIB, hello_of(config).agreement)
    assert link.commit(Commit(2, 0.1, None, skip=True)).applied_step == 3, "the session goes on"
    trunk.stop()


def test_a_trunk_refuses_all_of_it(trained):
    answered = []
    report = fuzz(trained, 2, 2000, threading.Event(), answered.append)

    assert report.findings == ()
    assert (2000, 2000) == (report.sent, sum(report.kinds.values()))
    assert sum(report.answers.values()) == 2000
    assert set(OWN_REASONS) < report.kinds.keys()
    assert {reason.value for reason in OWN_REASONS.values()} <= {name.split()[-1] for name in report.answers}
    assert report.answers["closed"] > 10
    assert 800 < report.distinct < 2000
    assert answered[:3] == [0, 100, 200]


def test_it_ends_early_when_asked_to(trained):
    stop = threading.Event()
    report = fuzz(trained, 2, 100_000, stop, lambda answered: answered >= 300 and stop.set())

    assert 300 <= report.sent < 400


def test_the_program_tells_its_progress_and_then_its_report(trained):
    with FuzzProgram(trained, seed=2, count=300) as program:
        *progress, report = program.progress()

    assert progress == [0, 100, 200, 300]
    assert (300, ()) == (report.sent, report.findings)


def test_a_program_that_fails_is_told_with_its_last_words():
    with FuzzProgram(replace(ELSEWHERE, address="nowhere"), seed=2, count=3) as program:
        told = program.progress()
        assert next(told) == 0
        with pytest.raises(HarnessError, match=r"status 1 without a report: (?s:.*)ValueError"):
            list(told)


def test_a_report_is_the_same_after_it_was_written_and_read():
    report = FuzzReport(3, 2, {"NaN or infinity": 3}, {"INTERNAL BUG": 3}, ("one", "two"), 0.5)

    assert report == FuzzReport.from_json(report.to_json())


def test_growth_is_seen_through_noise_and_not_where_there_is_none():
    answered = range(0, 30_000, 100)
    noise = random.Random(0)  # noqa: S311 - repeatable, not secret
    flat = [500 * MIB + noise.randrange(8 * MIB) for _ in answered]
    leaking = [size + 20_000 * requests for size, requests in zip(flat, answered, strict=True)]
    warming = [size + 50 * MIB * min(1, requests / 5000) for size, requests in zip(flat, answered, strict=True)]

    assert abs(growth(answered, flat)) < 200_000
    assert abs(growth(answered, warming)) < 200_000
    assert 19_000_000 < growth(answered, leaking) < 21_000_000


PEERS = HostilePeers(At("client.step.started", 3), 500, 1)


class World:
    """What a fault may touch, of a run whose trunk is a target."""

    def __init__(self, target, observer, process, config=None):
        self.observer = observer
        self.config = config or TrainingConfig(model="tiny")
        self.over = threading.Event()
        self.parties = {"trunk": SimpleNamespace(name="trunk", lives=1, program=SimpleNamespace(pid=process))}
        observer.note("trunk", "trunk.server.ready", address=target.address)
        observer.note("trunk", "trunk.session.opened", session=target.session, incarnation=target.incarnation)


@pytest.fixture
def observer():
    with Observer((), lambda _event: None) as opened:
        yield opened


def test_hostile_peers_tell_the_trace_of_their_progress_and_the_trunks_memory(trained, observer, config):
    world = World(trained, observer, os.getpid(), config)
    since = observer.note("client", "client.step.started", step=3)
    pace = KeepPace(At("client.step.started", 4), 300)
    held = threading.Thread(target=pace.inject, args=(world,))
    held.start()
    PEERS.inject(world)
    PEERS.heal(world, since)
    held.join(SECONDS)

    told = [event for event in observer.events if event.point.startswith("fuzz.")]
    assert [0, 100, 200, 300, 400, 500] == [event.fields["answered"] for event in told[:-1]]
    assert all(event.fields["resident"] > MIB for event in told[:-1])
    assert (500, ()) == (told[-1].fields["sent"], told[-1].fields["findings"])
    assert all(PEERS.shows([event]) for event in told)
    assert not held.is_alive()


def test_hostile_peers_end_with_the_run(trained, observer):
    world = World(trained, observer, os.getpid())
    world.over.set()
    with pytest.raises(HarnessError, match="the run ended when 0 of 500"):
        PEERS.heal(world, observer.note("client", "client.step.started", step=3))


def test_hostile_peers_end_when_the_trunk_is_gone_and_nobody_waits_for_them(trained, observer):
    gone = 1 << 22  # above every process id
    world = World(trained, observer, gone)
    with pytest.raises(HarnessError, match="the trunk is gone when 0 of 500"):
        PEERS.heal(world, observer.note("client", "client.step.started", step=3))
    observer.note("harness", "fault.unhealed", fault=PEERS.name, reason="the trunk is gone")
    with pytest.raises(HarnessError, match="ended before 300 answers"):
        KeepPace(At("client.step.started", 4), 300).inject(world)
