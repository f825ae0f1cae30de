"""A refusal arrives even if a peer's text is too long for a status."""

import pytest
from trunk.server import Trunk, hello_of

from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.methods import METHODS
from splitlearn.wire.trunk_link import Position

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
            message.key.CopyFrom(link._conversation.key(Position(0, 0, 1)))
        call = trunk.transport().call(method, METHODS[method].write_request(message), 20.0)
        with pytest.raises(WireError) as caught:
            call.result()
    finally:
        trunk.stop()

    assert reason is caught.value.reason
    assert len(caught.value.message) < 500
