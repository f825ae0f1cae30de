"""Messages with one byte of their first tensor altered, as by memory that forgets: gRPC and TCP notice nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from harness.errors import HarnessError
from harness.relay.mischief import Mischief
from splitlearn.wire import compute_service_pb2 as pb

__all__ = ["check_damageable", "damaged"]

# Every bit of a float32's exponent and mantissa matters alike to a checksum.
FLIPPED = 0b0000_0100


@dataclass(frozen=True)
class Carrier:
    """A type of message that carries a tensor."""

    message: Callable[[], Message]
    tensor: str


CARRIERS = {
    ("Compute", "corrupt request"): Carrier(pb.ComputeRequest, "smashed"),
    ("Compute", "corrupt reply"): Carrier(pb.ComputeReply, "features"),
    ("Backward", "corrupt request"): Carrier(pb.BackwardRequest, "features_grad"),
    ("Backward", "corrupt reply"): Carrier(pb.BackwardReply, "smashed_grad"),
    ("GetGradients", "corrupt reply"): Carrier(pb.Gradient, "gradient"),
}


def check_damageable(mischief: Mischief) -> None:
    """Raise `HarnessError` where a message is to be corrupted that carries no tensor."""
    if mischief.kind.startswith("corrupt") and (mischief.method, mischief.kind) not in CARRIERS:
        side = mischief.kind.removeprefix("corrupt ")
        raise HarnessError(f"the {side} of {mischief.method} has no tensor payload to corrupt")


def damaged(mischief: Mischief, body: bytes) -> bytes:
    """Give a message with the byte in the middle of its first tensor's data altered; its checksum stays."""
    carrier = CARRIERS[mischief.method, mischief.kind]
    message = carrier.message()
    message.ParseFromString(body)
    tensor = getattr(message, carrier.tensor)
    data = bytearray(tensor.data)
    data[len(data) // 2] ^= FLIPPED
    tensor.data = bytes(data)
    return message.SerializeToString()
