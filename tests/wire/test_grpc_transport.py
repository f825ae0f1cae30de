"""What the channel does while an answer does not come, and with words that are too long for a status."""

import socket

import pytest
from trunk.server import Trunk, hello_of

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.link import Position


class EnoughError(Exception):
    """Stands for the wish to stop."""


def test_a_wait_for_a_trunk_that_says_nothing_can_be_given_up(config):
    def enough():
        raise EnoughError

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "{}:{}".format(*silent.getsockname())
        transport = GrpcTransport(config.but(trunk_address=address), lambda _: None, enough)
        try:
            with pytest.raises(EnoughError):
                transport.call("SyncTrainingState", pb.SyncTrainingStateRequest(), 60.0).result()
        finally:
            transport.close()


LONG = "long " * 4000
CODEC = pb.Tensor(dtype=1, shape=(1, 2, 32), codec=LONG)
SHAPE = pb.Tensor(dtype=1, shape=range(1, 5001))
LENGTHY = {
    "a codec": ("Compute", pb.ComputeRequest(smashed=CODEC), Reason.UNKNOWN_CODEC),
    "a name": ("Compute", pb.ComputeRequest(key=pb.Key(session_id="\N{PILE OF POO}" * 4000)), Reason.UNKNOWN_SESSION),
    "a setting": ("OpenSession", pb.OpenSessionRequest(agreement={LONG: LONG}), Reason.MISMATCH),
    "a shape": ("Backward", pb.BackwardRequest(features_grad=SHAPE), Reason.BAD_SHAPE),
}


@pytest.mark.parametrize(("method", "message", "reason"), LENGTHY.values(), ids=LENGTHY)
def test_a_refusal_has_its_own_code_however_long_the_peers_words_are(config, method, message, reason):
    trunk = Trunk(config)
    try:
        link = trunk.link()
        link.open(hello_of(config))
        if method != "OpenSession" and not message.key.session_id:
            message.key.CopyFrom(link._key(Position(0, 0, 1)))
        call = trunk.transport().call(method, message, 20.0)
        with pytest.raises(WireError) as caught:
            call.result()
    finally:
        trunk.stop()

    assert reason is caught.value.reason
    assert len(caught.value.message) < 500
