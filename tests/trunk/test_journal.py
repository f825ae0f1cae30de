"""What the trunk logs about clients and strangers."""

import logging

import grpc
import pytest
from trunk.server import hello_of

from splitlearn.runtime.simulated import ManualClock
from splitlearn.trunk.journal import Journal
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.methods import METHODS
from splitlearn.wire.trunk_link import Hello

TOKEN = "a token of these tests"  # noqa: S105 - guards nothing


@pytest.fixture(autouse=True)
def everything_is_logged(caplog):
    caplog.set_level(logging.INFO, "splitlearn.trunk.journal")


def stale():
    return WireError(Reason.STALE_INCARNATION, "incarnation 1 was taken over by 2")


def test_openings_and_takeovers_are_logged(config, serve, caplog):
    trunk = serve(config)
    first, second = trunk.link(), trunk.link()
    one = first.open(hello_of(config)).incarnation
    hello = hello_of(config)
    two = second.open(Hello(hello.session_id, hello.agreement, take_over=True)).incarnation
    with pytest.raises(WireError, match="STALE_INCARNATION"):
        first.query()

    opened, held, took_over, stale = caplog.messages
    assert opened.startswith("ipv4:127.0.0.1:")
    assert f"opened session default at step 0 as incarnation {one}" in opened
    assert "OpenSession of session default was refused: SESSION_HELD: session 'default' is held by client" in held
    assert f"as incarnation {two}, in the place of incarnation {one}" in took_over
    assert f"SyncTrainingState of session default was refused: STALE_INCARNATION: incarnation {one}" in stale
    assert opened.split()[0] == stale.split()[0] != took_over.split()[0]


def test_a_refusal_because_of_a_setting_is_logged(config, serve, caplog):
    with pytest.raises(WireError, match="MISMATCH"):
        serve(config).link().open(hello_of(config.but(seed=8)))

    assert "OpenSession of session default was refused: MISMATCH: seed is 8 at the client" in caplog.text


def test_wrong_tokens_and_unreadable_requests_are_logged(config, serve, tmp_path, caplog):
    (tmp_path / "token").write_text(TOKEN.replace(" ", "-"))
    trunk = serve(config.but(token_file=tmp_path / "token"))
    method = METHODS["Compute"].path
    with grpc.insecure_channel(trunk.address) as channel:
        for given in ((("authorization", "Bearer guessed"),), (("authorization", "Bearer a-token-of-these-tests"),)):
            with pytest.raises(grpc.RpcError):
                channel.unary_unary(method)(b"\x1b[2J", metadata=given)

    wrong, unsound = caplog.messages
    assert f"{method} was refused: UNAUTHENTICATED: the token is not the trunk's" in wrong
    assert "Compute was refused: CORRUPT" in unsound
    assert "guessed" not in caplog.text


def test_words_of_a_stranger_do_nothing_to_a_terminal(caplog):
    request = pb.SyncTrainingStateRequest(key=pb.Key(session_id="\x1b[2J\n" + "x" * 10_000))
    Journal(ManualClock()).refused("ipv6:[::1]:5", "SyncTrainingState", stale(), request)

    (line,) = caplog.messages
    assert line.isprintable()
    assert "session \\x1b[2J\\nxxx" in line
    assert len(line) < 1000


def test_a_flood_takes_few_lines_of_each_kind_and_is_counted(caplog):
    clock = ManualClock()
    journal = Journal(clock, most=5, seconds=60.0)
    clock.sleep(1.0)
    for _ in range(999):
        journal.refused("ipv4:10.0.0.1:5", "Compute", stale())
    assert len(caplog.messages) == 5
    journal.refused("ipv4:10.0.0.1:5", "Compute", WireError(Reason.UNAUTHENTICATED, "no token"))
    assert "UNAUTHENTICATED" in caplog.messages[5]
    clock.sleep(60.0)
    journal.sum_up()

    assert caplog.messages[6:] == ["… and 994 more refusals with STALE_INCARNATION within 60 s"]


def test_refusals_in_normal_operation_are_not_logged(caplog):
    Journal(ManualClock()).refused("ipv4:10.0.0.1:5", "Backward", WireError(Reason.FORWARD_NEEDED, "send it again"))

    assert not caplog.messages
