"""Which bit of a message is altered: under a tensor's own checksum, beside it, and in the message's checksum."""

import pytest
import torch

from harness.plan.faults.damage import SPOTS, damaged
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import origin_of, verify, with_checksum
from splitlearn.wire.errors import WireError
from splitlearn.wire.tensors import encode_tensor

ORIGIN = origin_of("Compute")
TENSOR = encode_tensor(torch.randn(2, 20, 64), "raw", 1 << 20)
MASK = encode_tensor(torch.ones(2, 20, dtype=torch.uint8), "raw", 1 << 20)
KEY = pb.Key(session_id="run", incarnation=1 << 60, step=3, microbatch=1, microbatches=3)
COMMIT = pb.Commit(step=2, learning_rate=1e-3, clip_coefficient=0.5)
REQUEST = pb.ComputeRequest(key=KEY, smashed=TENSOR, attention_mask=MASK, commit=COMMIT)
REPLY = pb.ComputeReply(features=TENSOR)
MESSAGES = {
    "request": REQUEST,
    "reply": REPLY,
    "close": pb.SyncTrainingStateRequest(key=KEY),
    "empty": pb.BackwardReply(),
}


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_one_altered_bit_anywhere_is_found_by_the_message_checksum(message, spot):
    body = with_checksum(message.SerializeToString(), ORIGIN)
    spoiled = damaged(body, spot)

    assert 1 == sum((a ^ b).bit_count() for a, b in zip(body, spoiled, strict=True))
    with pytest.raises(WireError, match="CORRUPT"):
        verify(spoiled, ORIGIN)


def test_different_spots_alter_different_bytes():
    body = with_checksum(REQUEST.SerializeToString(), ORIGIN)
    assert len(SPOTS) == len({damaged(body, spot) for spot in SPOTS})


def altered(message, spot):
    """Return a damaged message as a reader that ignores checksums would decode it."""
    return type(message).FromString(damaged(with_checksum(message.SerializeToString(), ORIGIN), spot)[:-5])


def test_the_middle_is_under_the_tensors_checksum_and_the_others_are_not():
    assert altered(REPLY, "middle").features.data != TENSOR.data
    assert altered(REPLY, "head").features.data == altered(REPLY, "tail").features.data == TENSOR.data
    assert altered(REPLY, "tail").features.checksum != TENSOR.checksum
    assert altered(REQUEST, "head").smashed == altered(REQUEST, "tail").smashed == TENSOR
    assert altered(REQUEST, "head").key != KEY
    assert altered(REQUEST, "tail").commit != COMMIT
