"""Replies with status OK that are not what was asked for."""

import struct
from collections.abc import Mapping

from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from harness.fuzz.answers import Ask, checksummed_replies, ending, opening, saying
from harness.fuzz.http2 import DATA, frame
from harness.fuzz.lie import UINT32, Lie
from harness.fuzz.tensors import any_tensor
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import with_checksum

__all__ = [
    "another_length",
    "bare_bytes",
    "checksummed_bytes",
    "checksummed_values",
    "elsewhere",
    "no_message",
    "twice",
]


@st.composite
def no_message(draw: DrawFn) -> Lie:
    """Draw status OK without a message."""
    data = draw(st.sampled_from((b"", b"\x00", b"\x00\x00\x00")))

    def answer(ask: Ask) -> bytes:
        middle = frame(DATA, 0, ask.stream, data) if data else b""
        return opening(ask) + middle + ending(ask, (b"grpc-status", b"0"))

    return Lie("OK without a message", data, answer)


@st.composite
def bare_bytes(draw: DrawFn) -> Lie:
    """Draw a reply without its checksum."""
    body = draw(st.binary(max_size=120))
    own = draw(st.booleans())

    def answer(ask: Ask) -> bytes:
        return saying(ask, with_checksum(body, ask.checksum ^ 1) if own else body)

    return Lie("a reply without its checksum", body, answer)


@st.composite
def elsewhere(draw: DrawFn) -> Lie:
    """Draw an honest reply to another request: its checksum is right, but only for that one."""
    other = draw(st.integers(0, UINT32))

    def answer(ask: Ask) -> bytes:
        moved = Ask(ask.stream, ask.method, other if other != ask.checksum else other ^ 1, ask.replies)
        return saying(ask, *checksummed_replies(moved))

    return Lie("a reply to another request", struct.pack(">I", other), answer)


@st.composite
def checksummed_bytes(draw: DrawFn) -> Lie:
    """Draw checksummed bytes that are not a message."""
    # Field 1 of every reply is a number or a message; an end-group tag is neither.
    body = b"\x0c" + draw(st.binary(max_size=80))
    return Lie(
        "checksummed bytes that are no message", body, lambda ask: saying(ask, with_checksum(body, ask.checksum))
    )


@st.composite
def checksummed_values(draw: DrawFn) -> Lie:
    """Draw a checksummed reply with odd values."""
    tensor, numbers = draw(any_tensor()), st.integers(1, (1 << 64) - 1)
    step, left = draw(numbers.filter(lambda number: number not in (2, 4))), draw(st.integers(1, UINT32))
    replies: Mapping[str, Message] = {
        "OpenSession": pb.OpenSessionReply(incarnation=draw(st.sampled_from((0, 1))), applied_step=step),
        "Compute": pb.ComputeReply(features=tensor),
        "Backward": pb.BackwardReply(smashed_grad=tensor),
        "GetGradients": pb.Gradient(name=draw(st.text(max_size=20)), gradient=tensor, left=left),
        "SyncTrainingState": pb.SyncTrainingStateReply(applied_step=step, fingerprint=draw(st.text(max_size=20))),
    }

    def answer(ask: Ask) -> bytes:
        return saying(ask, with_checksum(replies[ask.method].SerializeToString(), ask.checksum))

    content = b"".join(reply.SerializeToString() for reply in replies.values())
    return Lie("a checksummed reply with odd values", content, answer, "anything")


@st.composite
def another_length(draw: DrawFn) -> Lie:
    """Draw a wrong message length."""
    claimed, flag = draw(st.integers(0, UINT32)), draw(st.sampled_from((0, 1, 2, 255)))
    body = draw(st.binary(min_size=1, max_size=60))
    data = bytes([flag]) + struct.pack(">I", claimed) + body

    def answer(ask: Ask) -> bytes:
        return opening(ask) + frame(DATA, 0, ask.stream, data) + ending(ask, (b"grpc-status", b"0"))

    return Lie("a length that is not the message's", data, answer)


@st.composite
def twice(draw: DrawFn) -> Lie:
    """Draw an extra message before the reply."""
    more = draw(st.binary(max_size=20))

    def answer(ask: Ask) -> bytes:
        bodies = checksummed_replies(ask)
        return saying(ask, with_checksum(more, ask.checksum ^ 1), *bodies)

    return Lie("a message before the reply", more, answer)
