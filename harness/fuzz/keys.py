"""Hypothesis strategies for keys: of no session, of another incarnation, out of range, and arbitrary ones."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from harness.fuzz.target import FAR_STEP, Target
from splitlearn.wire import compute_service_pb2 as pb

__all__ = ["NAMES", "any_key", "key", "misplaced_key", "stale_key", "unknown_key"]

UINT32, UINT64 = (1 << 32) - 1, (1 << 64) - 1
ODD_NAMES = ("", ".", "..", "../../etc/passwd", "a/b", "\0", "name\n", "-" * 81, "\u017f", "\N{PILE OF POO}" * 30)
NAMES = st.one_of(st.sampled_from(ODD_NAMES), st.text(max_size=90))
MOST_MICROBATCHES = 1 << 16


def key(target: Target, step: int = FAR_STEP) -> pb.Key:
    """Return a key of the training session, at a step so far away that the request has no effect."""
    return pb.Key(session_id=target.session, incarnation=target.incarnation, step=step, microbatch=0, microbatches=1)


@st.composite
def unknown_key(draw: DrawFn, target: Target) -> pb.Key:
    """Return a key of a session that does not exist."""
    found = draw(any_key(target))
    found.session_id = draw(NAMES.filter(lambda name: name != target.session))
    return found


@st.composite
def stale_key(draw: DrawFn, target: Target) -> pb.Key:
    """Return a key of an earlier or a future incarnation."""
    found, now = draw(any_key(target)), target.incarnation
    near = st.sampled_from((0, 1, now - 1, now + 1, now ^ (1 << 40), UINT64))
    found.session_id = target.session
    found.incarnation = draw(st.one_of(near, st.integers(0, UINT64).filter(lambda number: number != now)))
    return found


@st.composite
def misplaced_key(draw: DrawFn, target: Target) -> pb.Key:
    """Return a key with an impossible microbatch."""
    found = key(target)
    if draw(st.booleans()):
        found.microbatches = draw(st.integers(0, MOST_MICROBATCHES))
        found.microbatch = draw(st.integers(found.microbatches, UINT32))
    else:
        found.microbatches = draw(st.integers(MOST_MICROBATCHES + 1, UINT32))
        found.microbatch = draw(st.integers(0, found.microbatches - 1))
    return found


@st.composite
def any_key(draw: DrawFn, target: Target) -> pb.Key:
    """Return an arbitrary key, often of the training session."""
    return pb.Key(
        session_id=draw(st.one_of(st.just(target.session), NAMES)),
        incarnation=draw(st.one_of(st.just(target.incarnation), st.integers(0, UINT64))),
        step=draw(st.one_of(st.just(0), st.integers(FAR_STEP, UINT64), st.integers(0, UINT64))),
        microbatch=draw(st.one_of(st.integers(0, 3), st.integers(0, UINT32))),
        microbatches=draw(st.one_of(st.integers(0, 3), st.integers(0, UINT32))),
    )
