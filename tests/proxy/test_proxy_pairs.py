"""Every ordered pair of toxics on one stream acts like the one after the other, on both servers.

All pairs of a stream run at once, each on a proxy of its own; the tests then look at what was recorded.
"""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from math import isinf
from socket import SHUT_WR, socket

import pytest
from chain_model import ATTRIBUTES, MESSAGE_BYTES, Flow, expected
from proxy_wires import Bench, Wire, bench_on

from harness.proxy.client import Toxic

KINDS = sorted(ATTRIBUTES)
PAIRS = list(product(KINDS, KINDS))
MESSAGE = bytes(number % 251 for number in range(MESSAGE_BYTES))
# The real server forgets how long a chunk waited to be picked up, so on a busy machine its sums are a little short.
SHORT_S: Mapping[str, float] = {"embedded": 0.001, "real": 0.04}
BUSY_S = 5.0
"""How much later than it could everything may happen on a busy machine."""


@dataclass(frozen=True)
class Seen:
    """What the receiver saw of one message, and how the sender's connection ended; seconds since before the connect."""

    data: bytes
    data_s: float
    end_s: float
    receiver_was_reset: bool
    sender_was_reset: bool


def arrivals(receiver: socket) -> Iterator[bytes]:
    """Return what comes, and at last an empty piece for an orderly end."""
    while piece := receiver.recv(1 << 16):
        yield piece
    yield b""


def watch(sender: socket, receiver: socket, began_s: float) -> Seen:
    """Read until the stream ends, then see how the other side ended."""
    data, data_s, was_reset = b"", 0.0, [False, False]
    for side, end in enumerate((receiver, sender)):
        try:
            for piece in arrivals(end):
                data += piece
                data_s = time.monotonic() - began_s if piece else data_s
        except ConnectionResetError:
            was_reset[side] = True
        if end is receiver:
            end_s = time.monotonic() - began_s
    return Seen(data, data_s, end_s, *was_reset)


def chain(stream: str, kinds: tuple[str, ...]) -> list[Toxic]:
    return [Toxic(kind, stream, ATTRIBUTES[kind], name=f"{place}_{kind}") for place, kind in enumerate(kinds)]


def sent_through(bench: Bench, stream: str, pair: tuple[str, ...]) -> tuple[Wire, float]:
    """Make a connection through the pair and send the message; close the sender where nothing else would."""
    proxy = bench.proxy(*chain(stream, pair))
    began_s = time.monotonic()
    wire = bench.connected(proxy)
    sender, _ = wire.ends(stream)
    sender.sendall(MESSAGE)
    if not ends_by_itself(pair):
        sender.shutdown(SHUT_WR)
    return wire, began_s


def ends_by_itself(pair: tuple[str, ...]) -> bool:
    return not isinf(expected(pair, sender_closes=False, real=False).end_s)


@pytest.fixture(scope="module", params=["embedded", "real"])
def server(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=["upstream", "downstream"])
def seen(request: pytest.FixtureRequest, server: str) -> Mapping[tuple[str, str], Seen]:
    """Return what was seen of every pair."""
    client = request.getfixturevalue(f"{server}_client")
    with bench_on(client) as bench, ThreadPoolExecutor(len(PAIRS)) as watchers:
        watching = {}
        for pair in PAIRS:
            wire, began_s = sent_through(bench, request.param, pair)
            watching[pair] = watchers.submit(watch, *wire.ends(request.param), began_s)
        return {pair: future.result() for pair, future in watching.items()}


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_pair_acts_like_the_one_after_the_other(server: str, seen: Mapping[tuple[str, str], Seen], pair):
    flow: Flow = expected(pair, sender_closes=not ends_by_itself(pair), real=server == "real")
    outcome = seen[pair]
    assert outcome.data == MESSAGE[: flow.size]
    assert flow.data_s - SHORT_S[server] <= outcome.data_s <= flow.data_s + BUSY_S
    assert flow.end_s - SHORT_S[server] <= outcome.end_s <= flow.end_s + BUSY_S
    assert (outcome.receiver_was_reset, outcome.sender_was_reset) == (flow.reset, flow.reset)
