"""Answers that are not gRPC at all: other servers, headers, resets and frames of any kind."""

import struct

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from harness.fuzz.answers import Ask, ending, opening
from harness.fuzz.http2 import (
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    RST_STREAM,
    WINDOW_UPDATE,
    frame,
    header_block,
)
from harness.fuzz.lie import UINT32, Lie

__all__ = ["blocks", "frames", "headers", "other_server", "resets"]

NO_ERROR_CODES = 13


@st.composite
def other_server(draw: DrawFn) -> Lie:
    """Draw an answer of another kind of server."""
    status = draw(st.one_of(st.integers(0, 999).map(lambda code: str(code).encode()), st.binary(max_size=5)))
    kind = draw(st.sampled_from((b"text/html", b"application/json", b"", b"application/grpc+x")))
    block = header_block([(b":status", status), (b"content-type", kind)])

    def answer(ask: Ask) -> bytes:
        return frame(HEADERS, END_HEADERS | END_STREAM, ask.stream, block)

    return Lie("an answer of another kind of server", block, answer)


@st.composite
def headers(draw: DrawFn) -> Lie:
    """Draw an answer with arbitrary bytes as headers."""
    names = st.one_of(st.binary(max_size=12), st.sampled_from((b"grpc-status", b":status", b"te", b"grpc-encoding")))
    drawn = draw(st.lists(st.tuples(names, st.binary(max_size=40)), min_size=1, max_size=5))

    def answer(ask: Ask) -> bytes:
        return opening(ask, *drawn) + ending(ask, *drawn)

    return Lie("headers of any bytes", header_block(drawn), answer)


@st.composite
def blocks(draw: DrawFn) -> Lie:
    """Draw header blocks of arbitrary bytes."""
    block, end = draw(st.binary(min_size=1, max_size=60)), draw(st.booleans())

    def answer(ask: Ask) -> bytes:
        whole = frame(HEADERS, END_HEADERS | END_STREAM, ask.stream, block)
        return opening(ask) + whole if end else whole

    return Lie("header blocks of any bytes", block, answer)


@st.composite
def resets(draw: DrawFn) -> Lie:
    """Draw a frame that ends the call, the connection or its window."""
    code = draw(st.one_of(st.integers(0, NO_ERROR_CODES + 3), st.integers(0, UINT32)))
    payload = struct.pack(">I", code)
    match draw(st.integers(0, 2)):
        case 0:
            return Lie("resets", b"r" + payload, lambda ask: frame(RST_STREAM, 0, ask.stream, payload))
        case 1:
            away = struct.pack(">I", 0) + payload + draw(st.binary(max_size=20))
            return Lie("resets", b"g" + away, lambda _ask: frame(GOAWAY, 0, 0, away))
        case _:
            # Below 1 or above the largest window; the reset after it ends the call if nothing else has.
            return Lie(
                "resets",
                b"w" + payload,
                lambda ask: frame(WINDOW_UPDATE, 0, 0, payload) + frame(RST_STREAM, 0, ask.stream, payload),
            )


@st.composite
def frames(draw: DrawFn) -> Lie:
    """Draw frames of any type, flags and stream, followed by a reset of the call."""
    drawn = draw(
        st.lists(
            st.tuples(st.integers(0, 12), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=40)), max_size=4
        )
    )
    data = b"".join(frame(kind, flags, stream, payload) for kind, flags, stream, payload in drawn)
    return Lie("frames of any kind", data, lambda ask: data + frame(RST_STREAM, 0, ask.stream, struct.pack(">I", 2)))
