"""What finds damaged messages, and outlasts broken connections."""

from types import SimpleNamespace

from harness.sim.ablations.ablation import Ablation, Part, Swap, nothing

__all__ = ["WIRE"]

FOREVER = 1e9
CALLS = "splitlearn.wire.reliable:ReliableCalls"
UNVERIFIED = Swap("splitlearn.wire.methods:verify", nothing)
# A checksum that is always the same.
UNCHECKED = Swap("splitlearn.wire.tensors:zlib", lambda _zlib: SimpleNamespace(crc32=lambda _data: 0))


def _without_deadline(init: Part) -> Part:
    def replaced(self: Part, transport: Part, method: Part, request: bytes, _timeout: float, *watch: Part) -> None:
        init(self, transport, method, request, FOREVER, *watch)

    return replaced


WIRE = (
    Ablation(
        "message-checksum",
        "an altered message is refused and sent again",
        (UNVERIFIED,),
    ),
    Ablation(
        "tensor-checksum",
        "a tensor whose bytes were altered is refused and sent again",
        (UNCHECKED,),
        unseen="Covered by the message checksum, which is verified first: without both, schedules fail. It guards what "
        "happens between there and the tensor's use.",
    ),
    Ablation(
        "both-checksums",
        "an altered message is refused, or else the altered tensor in it",
        (UNVERIFIED, UNCHECKED),
    ),
    Ablation(
        "retry",
        "a call that failed on the way is sent again",
        (Swap("splitlearn.wire.errors:WireError.retryable", lambda _retryable: property(lambda _self: False)),),
    ),
    Ablation(
        "deadline-of-an-attempt",
        "a call that is never answered is given up and sent again",
        (Swap("splitlearn.wire.attempt:Attempt.__init__", _without_deadline),),
    ),
    Ablation(
        "new-connection",
        "a connection on which calls fail repeatedly is replaced",
        (Swap(f"{CALLS}.doubt_connection", nothing),),
    ),
)
