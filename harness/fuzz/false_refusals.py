"""Statuses and refusals that no trunk sends, and one kind that it does."""

import base64

from google.rpc.error_details_pb2 import ErrorInfo
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from harness.fuzz.answers import failing, own_refusal, packed_status
from harness.fuzz.lie import Lie
from splitlearn.wire.errors import CODES, Reason, WireError

__all__ = ["details", "foreign", "holder", "refusal", "status"]


CODES_AS_TEXT = st.one_of(
    st.integers(1, 16).map(lambda code: str(code).encode()),
    st.sampled_from((b"0", b"17", b"99", b"-1", b"abc", b"", b" 5", b"1e3", b"4294967299")),
    st.binary(max_size=4),
)
WORDS = st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode(errors="replace")))
METADATA = st.dictionaries(st.text(max_size=12), st.text(max_size=30), max_size=4)
REASONS = st.one_of(st.sampled_from([reason.value for reason in Reason]), st.text(max_size=20))
ODD_NUMBERS = st.one_of(
    st.sampled_from(("seven", "-1", str(10**30), str(1 << 64), "", " 7", "7.0", "\u00b2", "0x7", "\x1b[2J")),
    st.text(max_size=25).filter(lambda text: not (text.isascii() and text.isdecimal())),
)


@st.composite
def status(draw: DrawFn) -> Lie:
    """Draw a status that any server may have sent."""
    code, words = draw(CODES_AS_TEXT), draw(WORDS)
    return Lie("a status of anybody", code + words, lambda ask: failing(ask, code, words, None))


@st.composite
def details(draw: DrawFn) -> Lie:
    """Draw a status whose details are not a status."""
    code, details = draw(CODES_AS_TEXT), draw(st.binary(max_size=80))
    coded = base64.b64encode(details) if draw(st.booleans()) else details
    return Lie("details that are no status", code + coded, lambda ask: failing(ask, code, b"no", coded))


@st.composite
def foreign(draw: DrawFn) -> Lie:
    """Draw a refusal without its checksum."""
    domain = draw(st.one_of(st.just("splitlearn"), st.text(max_size=12)))
    info = ErrorInfo(reason=draw(REASONS), domain=domain, metadata=draw(METADATA))
    inner, outer = draw(st.integers(0, 16)), draw(st.integers(1, 16))
    coded = packed_status(inner, draw(st.text(max_size=40)), info)
    return Lie("a refusal without a checksum", coded, lambda ask: failing(ask, str(outer).encode(), b"no", coded))


@st.composite
def holder(draw: DrawFn) -> Lie:
    """Draw a refusal that names an impossible holder."""
    details = {"incarnation": draw(ODD_NUMBERS), "client": draw(st.text(max_size=20))}
    if draw(st.integers(0, 9)) == 0:
        del details["client" if draw(st.booleans()) else "incarnation"]
    coded = own_refusal(WireError(Reason.SESSION_HELD, "held", details=details))
    return Lie("a holder that is none", coded, lambda ask: failing(ask, b"10", b"held", coded))


@st.composite
def refusal(draw: DrawFn) -> Lie:
    """Draw a genuine refusal, for any reason."""
    reason, words = draw(st.sampled_from(list(Reason))), draw(st.text(max_size=80))
    details = {**draw(METADATA), "incarnation": str(draw(st.integers(0, (1 << 64) - 1))), "client": "another"}
    code = str(CODES[reason].value).encode()
    coded = own_refusal(WireError(reason, words, details=details))
    return Lie("a refusal of ours", coded, lambda ask: failing(ask, code, b"no", coded), "anything")
