"""What the documentation says a chain of toxics does to one message, written without looking at either server."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf

MESSAGE_BYTES = 4000
ATTRIBUTES: Mapping[str, Mapping[str, int]] = {
    "bandwidth": {"rate": 40},
    "latency": {"latency": 100},
    "limit_data": {"bytes": 2000},
    "noop": {},
    "reset_peer": {"timeout": 100},
    "slicer": {"average_size": 1000, "delay": 25_000},
    "slow_close": {"delay": 100},
    "timeout": {"timeout": 800},
}


@dataclass(frozen=True)
class Piece:
    """Bytes, and the earliest time at which they pass; times count from before the connection was made."""

    at_s: float
    size: int
    counted_from_s: float
    """What the next latency counts from."""


@dataclass(frozen=True)
class Flow:
    """What passes one point of a chain; an end at infinity is a stream that stays open."""

    pieces: tuple[Piece, ...]
    end_s: float
    reset: bool = False

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)

    @property
    def data_s(self) -> float:
        """When the last byte passes."""
        return max((piece.at_s for piece in self.pieces), default=0.0)


def expected(kinds: Iterable[str], *, sender_closes: bool, real: bool) -> Flow:
    """Return what leaves a chain of these toxics when the message is sent at once."""
    flow = Flow((Piece(0.0, MESSAGE_BYTES, 0.0),), 0.0 if sender_closes else inf)
    for kind in kinds:
        flow = _EFFECTS[kind](flow)
        if not real:
            flow = replace(flow, pieces=tuple(replace(piece, counted_from_s=piece.at_s) for piece in flow.pieces))
    return flow


def _bandwidth(flow: Flow) -> Flow:
    free_s, pieces = 0.0, []
    for piece in flow.pieces:
        free_s = max(free_s, piece.at_s) + piece.size / (ATTRIBUTES["bandwidth"]["rate"] * 1000)
        pieces.append(replace(piece, at_s=free_s))
    return replace(flow, pieces=tuple(pieces), end_s=max(flow.end_s, free_s))


def _latency(flow: Flow) -> Flow:
    delay_s, pieces, before_s = ATTRIBUTES["latency"]["latency"] / 1000, [], 0.0
    for piece in flow.pieces:
        due_s = piece.counted_from_s + delay_s
        before_s = max(before_s, piece.at_s, due_s)
        pieces.append(replace(piece, at_s=before_s, counted_from_s=due_s))
    return replace(flow, pieces=tuple(pieces), end_s=max(flow.end_s, before_s))


def _limit_data(flow: Flow) -> Flow:
    left, pieces = ATTRIBUTES["limit_data"]["bytes"], []
    for piece in flow.pieces:
        if left:
            pieces.append(replace(piece, size=min(left, piece.size)))
            left -= pieces[-1].size
    cut = replace(flow, pieces=tuple(pieces))
    return cut if left else replace(cut, end_s=min(flow.end_s, cut.data_s))


def _noop(flow: Flow) -> Flow:
    return flow


def _reset_peer(flow: Flow) -> Flow:
    first_s = min([flow.end_s, *(piece.at_s for piece in flow.pieces)])
    return Flow((), first_s + ATTRIBUTES["reset_peer"]["timeout"] / 1000, reset=True)


def _slicer(flow: Flow) -> Flow:
    size, delay_s = ATTRIBUTES["slicer"]["average_size"], ATTRIBUTES["slicer"]["delay"] / 1_000_000
    free_s, pieces = 0.0, []
    for piece in flow.pieces:
        for _ in range(piece.size // size):
            free_s = max(free_s, piece.at_s)
            pieces.append(replace(piece, at_s=free_s, size=size))
            free_s += delay_s
    return replace(flow, pieces=tuple(pieces), end_s=max(flow.end_s, free_s))


def _slow_close(flow: Flow) -> Flow:
    return replace(flow, end_s=flow.end_s + ATTRIBUTES["slow_close"]["delay"] / 1000)


def _timeout(flow: Flow) -> Flow:
    return replace(flow, pieces=(), end_s=min(flow.end_s, flow.data_s + ATTRIBUTES["timeout"]["timeout"] / 1000))


_EFFECTS: Mapping[str, Callable[[Flow], Flow]] = {
    "bandwidth": _bandwidth,
    "latency": _latency,
    "limit_data": _limit_data,
    "noop": _noop,
    "reset_peer": _reset_peer,
    "slicer": _slicer,
    "slow_close": _slow_close,
    "timeout": _timeout,
}
