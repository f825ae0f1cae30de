"""Strangers do no harm: an honest client trains within its deadlines during an attack."""

import grpc
import pytest
import torch
from grpc_health.v1 import health_pb2, health_pb2_grpc
from trunk.server import hello_of
from trunk.strangers import HALF_SET_UP, SET_UP, Stranger
from trunk.stub import checksummed_stub

from splitlearn.trunk import visits
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire import options
from splitlearn.wire.checksum import origin_of, with_checksum
from splitlearn.wire.messages import key_message
from splitlearn.wire.trunk_link import Commit, Position

SECONDS = 30
# More than any pool of threads has, fewer than a connection may have.
MANY = 100
HEALTH = "/grpc.health.v1.Health/"
OWN = "/splitlearn.wire.ComputeService/"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


@pytest.fixture(name="hasty")
def hasty_config(config):
    """Every call of the client must be answered within five seconds, the first time."""
    return config.but(rpc_timeout=5)


@pytest.fixture
def strange():
    """Make connections of strangers; they are closed when the test ends."""
    made = []

    def connect(trunk, *words):
        made.append(Stranger(trunk.address, *words))
        return made[-1]

    yield connect
    for stranger in made:
        stranger.close()


def train(link, config, step=0):
    """Do one step; every call may fail once at most by its deadline."""
    hidden_BTH, mask_BT = torch.randn(2, 6, 32), torch.ones(2, 6)
    link.forward(Position(step, 0, 1), hidden_BTH, mask_BT, None).result()
    link.backward(Position(step, 0, 1), hidden_BTH).result()
    assert link.commit(Commit(step, 0.1, None, skip=False)).applied_step == step + 1


def assert_trains(trunk, config):
    failures = []
    link = trunk.link(config, failures=failures)
    link.open(hello_of(config))
    train(link, config)
    assert failures == []


WITHOUT_A_TOKEN = {
    "watches": (HEALTH + "Watch", b""),
    "watches without a body": (HEALTH + "Watch", None),
    "checks that nobody reads": (HEALTH + "Check", b""),
    "checks without a body": (HEALTH + "Check", None),
    "requests of the trunk's own methods without a body": (OWN + "Compute", None),
    "reflection": (REFLECTION, None),
}


@pytest.mark.parametrize(("path", "message"), WITHOUT_A_TOKEN.values(), ids=WITHOUT_A_TOKEN)
def test_a_stranger_without_the_token_occupies_nothing(hasty, serve, strange, tmp_path, path, message):
    (tmp_path / "token").write_text("a-token-of-sufficient-length")
    config = hasty.but(token_file=tmp_path / "token")
    trunk = serve(config)
    for stranger in (strange(trunk) for _ in range(4)):
        for _ in range(MANY):
            stranger.ask(path, message)

    assert_trains(trunk, config)
    with grpc.insecure_channel(trunk.address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        assert check(health_pb2.HealthCheckRequest(), timeout=SECONDS).status == 1


LET_IN = {
    "idle reflection": (REFLECTION, None),
    "reflection that nobody reads": (REFLECTION, b"\x3a\x01*"),
    "requests without a body": (OWN + "Compute", None),
    "openings without a body": (OWN + "OpenSession", None),
}


@pytest.mark.parametrize(("path", "message"), LET_IN.values(), ids=LET_IN)
def test_an_admitted_client_occupies_only_its_own_connections_places(hasty, serve, strange, path, message):
    trunk = serve(hasty)
    stranger = strange(trunk)
    for _ in range(MANY):
        stranger.ask(path, message)

    assert_trains(trunk, hasty)


def test_gradients_that_nobody_reads_hold_up_nobody_else(hasty, serve, strange):
    trunk = serve(hasty)
    link = trunk.link(hasty)
    link.open(hello_of(hasty))
    hidden_BTH, mask_BT, at = torch.randn(2, 6, 32), torch.ones(2, 6), Position(0, 0, 2)
    link.forward(at, hidden_BTH, mask_BT, None).result()
    link.backward(at, hidden_BTH).result()
    key = key_message(hasty.session, link._conversation.incarnation, at)
    stranger = strange(trunk)
    for _ in range(20):
        stranger.ask(
            OWN + "GetGradients",
            with_checksum(pb.GetGradientsRequest(key=key).SerializeToString(), origin_of("GetGradients")),
        )

    assert link.gradients(0)
    assert link.query().applied_step == 0


def test_the_oldest_visit_makes_room_for_the_newest(config, serve, monkeypatch):
    monkeypatch.setattr(visits, "MOST_VISITS", 3)
    with grpc.insecure_channel(serve(config).address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch
        watches = []
        for _ in range(4):
            watches.append(watch(health_pb2.HealthCheckRequest(), timeout=SECONDS))
            assert next(watches[-1]).status == 1
        with pytest.raises(grpc.RpcError) as caught:
            next(watches[0])
        assert grpc.StatusCode.RESOURCE_EXHAUSTED is caught.value.code()
        assert all(watch.is_active() for watch in watches[1:])


def test_a_visit_does_not_last_for_ever(config, serve, monkeypatch):
    monkeypatch.setattr(visits, "VISIT_SECONDS", 0.2)
    with grpc.insecure_channel(serve(config).address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        with pytest.raises(grpc.RpcError) as caught:
            list(watch)
    assert "took too long" in caught.value.details()


def test_a_visitors_large_message_is_refused(config, serve):
    with grpc.insecure_channel(serve(config).address) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(HEALTH + "Check")(bytes([10]) + b"\x80\x80\x08" + bytes(1 << 17), timeout=SECONDS)
    assert grpc.StatusCode.RESOURCE_EXHAUSTED is caught.value.code()


# Connections

SILENCES = {
    "never set up": ("HANDSHAKE_TIMEOUT_MS", HALF_SET_UP),
    "set up, then silent": ("IDLE_MS", SET_UP),
}


@pytest.mark.parametrize(("limit", "words"), SILENCES.values(), ids=SILENCES)
def test_silent_connections_give_their_places_back(config, serve, strange, monkeypatch, limit, words):
    monkeypatch.setattr(options, limit, 500)
    monkeypatch.setattr(options, "MAX_CONNECTIONS", 8)
    trunk = serve(config)
    for _ in range(options.MAX_CONNECTIONS):
        strange(trunk, words)

    trunk.link(retry_timeout=SECONDS).open(hello_of(config))


# Compression


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages_are_refused_before_they_inflate(config, serve, compression):
    request = pb.ComputeRequest()
    request.smashed.data = bytes(64 << 20)
    limits = [("grpc.max_send_message_length", -1)]
    channel = grpc.insecure_channel(serve(config).address, limits, compression)
    with channel, pytest.raises(grpc.RpcError) as caught:
        checksummed_stub(channel).Compute(request, timeout=SECONDS)
    assert grpc.StatusCode.UNIMPLEMENTED is caught.value.code()
