"""Wrong tensors and wasteful messages on the wire."""

import torch

from harness.judging.diagnosis.cause import Cause
from harness.mutants.instead import Right, instead
from harness.mutants.mutant import mutant
from harness.mutants.scenarios import CODED, DIRECT, THROUGH_PROXY
from splitlearn.codecs import zlib
from splitlearn.coding import Passage
from splitlearn.trunk.boundary import BoundaryTensors
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire import remote
from splitlearn.wire.remote import RemoteTrunk
from splitlearn.wire.trunk_link import Commit, Position

__all__: list[str] = []


@mutant("classic: activations in half precision", "client", DIRECT, Cause.ROUNDED)
def round_on_the_wire() -> None:
    """The smashed data is sent rounded to float16."""

    @instead(RemoteTrunk, "forward")
    def forward(right: Right, self: RemoteTrunk, at: Position, smashed_BTH: torch.Tensor, *others: object) -> object:
        return right(self, at, smashed_BTH.half().float(), *others)


@mutant("classic: bfloat16 is what the transport sends", "trunk", DIRECT, Cause.ROUNDED)
def send_bfloat16() -> None:
    """What the trunk sends has made a round trip through bfloat16."""

    @instead(BoundaryTensors, "reply")
    def reply(right: Right, self: BoundaryTensors, tensor: torch.Tensor, like: pb.Tensor, passage: Passage) -> object:
        return right(self, tensor.bfloat16().float(), like, passage)


@mutant("classic: a codec that is lossless by its name", "client", CODED, Cause.ROUNDED)
def code_lossily_where_lossless_was_asked_for() -> None:
    """What the client sends is rounded to float16 before the lossless codec compresses it."""

    @instead(remote, "encode_tensor")
    def encode(right: Right, tensor: torch.Tensor, *others: object) -> pb.Tensor:
        message: pb.Tensor = right(tensor.half().float() if tensor.is_floating_point() else tensor, *others)
        return message


@mutant("classic: a buffer that is sent before it is filled", "client", DIRECT, Cause.INPUT, since=1)
def send_the_smashed_data_of_the_step_before() -> None:
    """From the second step on, a microbatch's smashed data is that of the step before if the shapes agree."""
    kept: dict[tuple[int, torch.Size], torch.Tensor] = {}

    @instead(RemoteTrunk, "forward")
    def forward(right: Right, self: RemoteTrunk, at: Position, smashed_BTH: torch.Tensor, *others: object) -> object:
        key = at.microbatch, smashed_BTH.shape
        old_BTH, kept[key] = kept.get(key, smashed_BTH), smashed_BTH
        return right(self, at, old_BTH, *others)


@mutant("classic: a limit on outliers", "trunk", DIRECT, Cause.ROUNDED)
def clamp_outliers_on_the_wire() -> None:
    """The gradient of the smashed data is clamped before it is sent."""

    @instead(BoundaryTensors, "reply")
    def reply(right: Right, self: BoundaryTensors, tensor: torch.Tensor, like: pb.Tensor, passage: Passage) -> object:
        return right(self, tensor.clamp(-3 * tensor.std(), 3 * tensor.std()), like, passage)


@mutant("classic: a payload in two fields", "client", THROUGH_PROXY, Cause.BYTES)
def fill_every_message_up() -> None:
    """Every commit carries 20 kB that nobody reads."""

    @instead(remote, "commit_message")
    def message(right: Right, commit: Commit) -> pb.Commit:
        filled: pb.Commit = right(commit)
        size = 20_000
        filled.MergeFromString(
            bytes([0x82, 0x7D, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + bytes(size)
        )
        return filled


@mutant("classic: a payload that is sent twice", "client", THROUGH_PROXY, Cause.WASTE)
def send_every_forward_pass_twice() -> None:
    """Every forward pass is asked for twice."""

    @instead(RemoteTrunk, "forward")
    def forward(right: Right, self: RemoteTrunk, *request: object) -> object:
        right(self, *request).result()
        return right(self, *request)


@mutant("classic: compression at level 0", "both", CODED, Cause.BYTES)
def compress_nothing() -> None:
    """The compressing codec stores the bytes as they are."""
    vars(zlib)["LEVEL"] = 0
