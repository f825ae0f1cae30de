"""Toxics of one stream in a chain: each counts from when a chunk came to it, on both servers."""

import time

import pytest
from proxy_wires import read_exactly

from harness.proxy.client import Toxic

FOREVER_MS = 600_000
# The real server forgets how long a chunk waited to be picked up, so on a busy machine its sums are a little short.
ALMOST = 0.75


def latencies(number, delay_ms, stream="downstream"):
    return [Toxic("latency", stream, {"latency": delay_ms}, name=f"latency_{place}") for place in range(number)]


def seconds_for(source, target, data=b"ping"):
    began = time.monotonic()
    source.sendall(data)
    assert read_exactly(target, len(data)) == data
    return time.monotonic() - began


# Few and long ones: every latency of the real server subtracts the lateness of those before it from its own, so that on
# a busy machine a chain of many short ones waits for less than their sum.
@pytest.mark.parametrize(("number", "delay_ms"), [(2, 80), (4, 100)])
@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_latencies_add_up(bench, stream, number, delay_ms):
    source, target = bench.wire(*latencies(number, delay_ms, stream)).ends(stream)
    assert seconds_for(source, target) >= ALMOST * number * delay_ms / 1000


def test_a_latency_and_a_narrow_line_add_up(bench):
    narrow = Toxic("bandwidth", attributes={"rate": 40})
    wire = bench.wire(*latencies(1, 100), narrow)
    assert seconds_for(wire.server, wire.client, bytes(4000)) >= ALMOST * 0.2


def test_a_second_latency_on_a_live_connection_adds_to_the_first(bench):
    first, second = latencies(2, 100)
    wire = bench.wire(first)
    assert seconds_for(wire.server, wire.client) >= 0.099
    wire.proxy.add_toxic(second)
    assert seconds_for(wire.server, wire.client) >= ALMOST * 0.2
    wire.proxy.remove_toxic(first.name)
    assert seconds_for(wire.server, wire.client) >= 0.099


def test_latencies_in_a_chain_delay_chunks_together_not_one_after_the_other(bench):
    """Thirty chunks of twice 150 ms each would take nine seconds in a row."""
    wire = bench.wire(*latencies(2, 150))
    assert seconds_for(wire.server, wire.client, bytes(30 * 32 * 1024)) < 5


@pytest.mark.parametrize("added", [Toxic("timeout"), Toxic("limit_data")], ids=lambda toxic: toxic.type)
def test_what_a_toxic_has_in_hand_goes_past_one_that_is_added_behind_it(bench, added):
    """The first piece shows that the slicer has the rest in its hand."""
    wire = bench.wire(Toxic("slicer", attributes={"average_size": 4, "delay": FOREVER_MS * 1000}))
    wire.server.sendall(b"in its hand")
    first = wire.client.recv(100)
    wire.proxy.add_toxic(added)
    assert first + read_exactly(wire.client, 11 - len(first)) == b"in its hand"


def test_a_line_that_is_widened_gives_no_credit_for_the_time_before(bench):
    """The chunk that it holds is released at once; the rest takes the time that the new rate needs."""
    wire = bench.wire(Toxic("bandwidth", attributes={"rate": 1}))
    wire.server.sendall(bytes(60_000))
    read_exactly(wire.client, 400)  # four slices, of 100 ms each
    began = time.monotonic()
    wire.proxy.update_toxic(Toxic("bandwidth", attributes={"rate": 50}))
    read_exactly(wire.client, 59_600)
    assert time.monotonic() - began >= ALMOST * (60_000 - 32 * 1024) / 50_000
