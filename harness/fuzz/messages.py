"""Hypothesis strategies for malformed requests: with one flaw each, and with arbitrary fields.

Those with one flaw are otherwise what the training client would send, so they get as far into the trunk as possible.
"""

from collections.abc import Mapping
from dataclasses import replace

from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from harness.fuzz.attack import Attack
from harness.fuzz.keys import NAMES, any_key, key, misplaced_key, stale_key, unknown_key
from harness.fuzz.target import FAR_STEP, METHODS, Target
from harness.fuzz.tensors import FLAWS, MASK_FLAWS, any_tensor, flawed, sound, sound_mask
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import origin_of, with_checksum

__all__ = ["malformed"]

Sync, Action = pb.SyncTrainingStateRequest, pb.SyncTrainingStateRequest.Action
INT32 = 1 << 31
NO_NUMBER = st.sampled_from((float("nan"), float("inf"), float("-inf")))
BAD_RATES = st.one_of(NO_NUMBER, st.floats(max_value=-1e-300))
BAD_COEFFICIENTS = st.one_of(NO_NUMBER, st.floats(max_value=-(2.0**-20), width=32), st.floats(1.5, width=32))
FAR = st.integers(FAR_STEP, (1 << 64) - 1)
METHOD = st.sampled_from(METHODS)


def malformed(target: Target) -> Mapping[str, SearchStrategy[Attack]]:
    """Return a strategy for every kind, by name."""
    flaws = {flaw: _bad_tensor(target, flaw) for flaw in FLAWS}
    return {
        **flaws,
        **{flaw: _bad_mask(target, flaw) for flaw in MASK_FLAWS},
        "unknown session": _with_key("unknown session", target, unknown_key(target), "UNKNOWN_SESSION"),
        "stale incarnation": _with_key("stale incarnation", target, stale_key(target), "STALE_INCARNATION"),
        "bad position": _bad_position(target),
        "step in the past": _at_step("step in the past", target, st.just(0), "STEP_IN_PAST"),
        "step in the future": _at_step("step in the future", target, FAR, "STEP_IN_FUTURE"),
        "bad commit": _bad_commit(target),
        "unknown action": _unknown_action(target),
        "gradients of another step": FAR.map(lambda step: _gradients(target, step, [], "NO_GRADIENTS")),
        "gradients of no parameter": NAMES.map(lambda name: _gradients(target, 1, [f"?{name}"], "BAD_REQUEST")),
        "another agreement": _another_agreement(target),
        "no opener": _no_opener(target),
        "broken checksum": _broken_checksum(target),
        "any message": _any_message(target),
        "any bytes": st.builds(lambda method, body: Attack("any bytes", method, body), METHOD, st.binary(max_size=300)),
    }


def _attack(kind: str, message: Message, reason: str = "") -> Attack:
    return Attack(kind, type(message).__name__.removesuffix("Request"), message.SerializeToString(), reason)


@st.composite
def _bad_tensor(draw: DrawFn, target: Target, flaw: str) -> Attack:
    tensor = draw(flawed(flaw, target.hidden_size))
    requests = (
        pb.ComputeRequest(key=key(target), smashed=tensor, attention_mask=sound_mask(tensor)),
        pb.ComputeRequest(key=key(target), smashed=tensor, attention_mask=sound_mask(tensor), inference=True),
        pb.BackwardRequest(key=key(target), features_grad=tensor),
    )
    return _attack(flaw, draw(st.sampled_from(requests)), FLAWS[flaw].reason)


@st.composite
def _bad_mask(draw: DrawFn, target: Target, flaw: str) -> Attack:
    tensor = draw(sound(target.hidden_size))
    mask = MASK_FLAWS[flaw].make(draw, sound_mask(tensor))
    request = pb.ComputeRequest(key=key(target), smashed=tensor, attention_mask=mask)
    return _attack(flaw, request, MASK_FLAWS[flaw].reason)


@st.composite
def _requests(draw: DrawFn, target: Target, given: pb.Key) -> Message:
    """Return an otherwise sound request with the given key."""
    tensor = draw(sound(target.hidden_size))
    requests = (
        pb.ComputeRequest(key=given, smashed=tensor, attention_mask=sound_mask(tensor)),
        pb.BackwardRequest(key=given, features_grad=tensor),
        Sync(key=given, action=Action.ACTION_SAVE),
    )
    return draw(st.sampled_from(requests))


@st.composite
def _with_key(draw: DrawFn, kind: str, target: Target, keys: SearchStrategy[pb.Key], reason: str) -> Attack:
    given = draw(keys)
    others = (pb.GetGradientsRequest(key=given), Sync(key=given), Sync(key=given, action=Action.ACTION_COMMIT))
    return _attack(kind, draw(st.one_of(_requests(target, given), st.sampled_from(others))), reason)


@st.composite
def _at_step(draw: DrawFn, kind: str, target: Target, steps: SearchStrategy[int], reason: str) -> Attack:
    step = draw(steps)
    commit = Sync(
        key=key(target), action=Action.ACTION_COMMIT, commit=pb.Commit(step=step, learning_rate=0.1, skip=True)
    )
    return _attack(kind, draw(st.one_of(_requests(target, key(target, step=step)), st.just(commit))), reason)


@st.composite
def _bad_position(draw: DrawFn, target: Target) -> Attack:
    tensor, given = draw(sound(target.hidden_size)), draw(misplaced_key(target))
    requests = (
        pb.ComputeRequest(key=given, smashed=tensor, attention_mask=sound_mask(tensor)),
        pb.BackwardRequest(key=given, features_grad=tensor),
    )
    return _attack("bad position", draw(st.sampled_from(requests)), "BAD_REQUEST")


@st.composite
def _bad_commit(draw: DrawFn, target: Target) -> Attack:
    commit = pb.Commit(step=draw(st.integers(0, FAR_STEP)), learning_rate=0.1, skip=draw(st.booleans()))
    if draw(st.booleans()):
        commit.learning_rate = draw(BAD_RATES)
    else:
        commit.clip_coefficient = draw(BAD_COEFFICIENTS)
    tensor = draw(sound(target.hidden_size))
    requests = (
        pb.ComputeRequest(key=key(target), smashed=tensor, attention_mask=sound_mask(tensor), commit=commit),
        Sync(key=key(target), action=Action.ACTION_SAVE, commit=commit),
        Sync(key=key(target), action=Action.ACTION_COMMIT, commit=commit),
        Sync(key=key(target), action=Action.ACTION_COMMIT),
    )
    return _attack("bad commit", draw(st.sampled_from(requests)), "BAD_REQUEST")


@st.composite
def _unknown_action(draw: DrawFn, target: Target) -> Attack:
    action = draw(st.one_of(st.integers(max(Action.values()) + 1, INT32 - 1), st.integers(-INT32, -1)))
    return _attack("unknown action", Sync(key=key(target), action=action), "BAD_REQUEST")  # type: ignore[arg-type] # any number


def _gradients(target: Target, step: int, names: list[str], reason: str) -> Attack:
    kind = "gradients of no parameter" if names else "gradients of another step"
    return _attack(kind, pb.GetGradientsRequest(key=key(target, step=step), names=names), reason)


@st.composite
def _another_agreement(draw: DrawFn, target: Target) -> Attack:
    """Return an arbitrary agreement, or the right one with a missing, changed or extra entry."""
    agreement = draw(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=6))
    if target.agreement:
        name = draw(st.sampled_from(sorted(target.agreement)))
        changed = {**target.agreement, name: draw(st.text(max_size=9))}
        missing = {key: value for key, value in target.agreement.items() if key != name}
        agreement = draw(st.sampled_from((agreement, changed, missing, {**target.agreement, "more": name})))
    return _attack("another agreement", _opening(draw, agreement, client=draw(NAMES), opening=1), "MISMATCH")


@st.composite
def _no_opener(draw: DrawFn, target: Target) -> Attack:
    client, opening = draw(st.sampled_from((("", 1), ("somebody", 0), ("long" * 20, 1))))
    reason = "BAD_REQUEST" if target.agreement else "MISMATCH"
    return _attack("no opener", _opening(draw, target.agreement, client=client, opening=opening), reason)


def _opening(draw: DrawFn, agreement: Mapping[str, str], *, client: str, opening: int) -> pb.OpenSessionRequest:
    return pb.OpenSessionRequest(
        session_id=draw(NAMES),
        agreement=agreement,
        resume_steps=draw(st.lists(st.integers(0, FAR_STEP), max_size=3)),
        resume_session_id=draw(NAMES),
        reader=draw(st.booleans()),
        client=client,
        opening=opening,
        codec="raw",
    )


@st.composite
def _broken_checksum(draw: DrawFn, target: Target) -> Attack:
    """Return a valid message without its checksum, or with one byte changed."""
    tensor = draw(sound(target.hidden_size))
    requests = (
        pb.ComputeRequest(key=key(target), smashed=tensor, attention_mask=sound_mask(tensor), inference=True),
        Sync(key=key(target), action=Action.ACTION_QUERY),
    )
    request = draw(st.sampled_from(requests))
    attack = _attack("broken checksum", request, "CORRUPT")
    data = bytearray(with_checksum(attack.body, origin_of(attack.method)))
    if draw(st.booleans()):
        del data[-draw(st.integers(1, 5)) :]
    else:
        data[draw(st.integers(0, len(data) - 1))] ^= draw(st.integers(1, 255))
    return replace(attack, body=bytes(data), checksum=False)


@st.composite
def _any_message(draw: DrawFn, target: Target) -> Attack:
    given = draw(any_key(target))
    commit = pb.Commit(
        step=draw(st.integers(0, (1 << 64) - 1)),
        learning_rate=draw(st.floats()),
        clip_coefficient=draw(st.one_of(st.none(), st.floats(width=32))),
        skip=draw(st.booleans()),
    )
    carried = commit if draw(st.booleans()) else None
    message: Message
    match draw(st.sampled_from(METHODS[1:])):
        case "Compute":
            mask, inference = draw(any_tensor()), draw(st.booleans())
            message = pb.ComputeRequest(
                key=given, smashed=draw(any_tensor()), attention_mask=mask, commit=carried, inference=inference
            )
        case "Backward":
            message = pb.BackwardRequest(key=given, features_grad=draw(any_tensor()))
        case "GetGradients":
            message = pb.GetGradientsRequest(key=given, names=draw(st.lists(NAMES, max_size=3)))
        case _:
            message = Sync(key=given, action=draw(st.integers(-2, 6)), commit=carried)  # type: ignore[arg-type] # any
    return _attack("any message", message)
