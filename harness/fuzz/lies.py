"""Every kind of lie by name, as Hypothesis strategies.

Each is one lie: the rest of the answer is what an honest trunk would send, so that it gets as far into the client as
possible.
"""

import random
from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from harness.fuzz import broken_http, false_refusals, false_replies
from harness.fuzz.answers import honest
from harness.fuzz.lie import UINT32, Lie, altered

__all__ = ["LIES"]


@st.composite
def altered_answer(draw: DrawFn) -> Lie:
    """Draw an honest answer with some bytes altered or cut off; the connection is closed afterwards."""
    chance = random.Random(draw(st.integers(0, UINT32)))  # noqa: S311 - repeatable, not secret
    return altered(Lie("an honest answer with altered bytes", b"", honest, "honest"), chance)


LIES: Mapping[str, SearchStrategy[Lie]] = {
    "OK without a message": false_replies.no_message(),
    "a status of anybody": false_refusals.status(),
    "details that are no status": false_refusals.details(),
    "a refusal without a checksum": false_refusals.foreign(),
    "a holder that is none": false_refusals.holder(),
    "a refusal of ours": false_refusals.refusal(),
    "a reply without its checksum": false_replies.bare_bytes(),
    "a reply to another request": false_replies.elsewhere(),
    "checksummed bytes that are no message": false_replies.checksummed_bytes(),
    "a checksummed reply with odd values": false_replies.checksummed_values(),
    "a length that is not the message's": false_replies.another_length(),
    "an answer of another kind of server": broken_http.other_server(),
    "headers of any bytes": broken_http.headers(),
    "header blocks of any bytes": broken_http.blocks(),
    "resets": broken_http.resets(),
    "frames of any kind": broken_http.frames(),
    "a message before the reply": false_replies.twice(),
    "an honest answer with altered bytes": altered_answer(),
}
