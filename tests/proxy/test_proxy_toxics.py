"""What each toxic does to the bytes, on both servers."""

import socket
import threading
import time
from itertools import pairwise

import pytest
from proxy_wires import connect, fill, read_exactly, read_to_end, reset

from harness.proxy.client import Toxic

STREAMS = ["upstream", "downstream"]
FOREVER_MS = 600_000
LARGE = bytes(range(256)) * 4096 * 4


def send_in_background(source, data):
    sender = threading.Thread(target=source.sendall, args=(data,), daemon=True)
    sender.start()
    return sender


def carries(source, target, data=b"ping"):
    source.sendall(data)
    return read_exactly(target, len(data)) == data


@pytest.mark.parametrize("stream", STREAMS)
def test_bytes_arrive_whole_and_in_order(bench, stream):
    source, target = bench.wire().ends(stream)
    sender = send_in_background(source, LARGE)
    assert read_exactly(target, len(LARGE)) == LARGE
    sender.join()


@pytest.mark.parametrize("stream", STREAMS)
def test_a_half_close_is_a_full_close(bench, stream):
    source, target = bench.wire().ends(stream)
    source.shutdown(socket.SHUT_WR)
    assert read_to_end(target) == b""
    assert read_to_end(source) == b""


@pytest.mark.parametrize("stream", STREAMS)
def test_a_reset_of_one_side_is_an_orderly_end_for_the_other(bench, stream):
    source, target = bench.wire().ends(stream)
    reset(source)
    assert read_to_end(target) == b""


def test_a_dead_upstream_closes_the_client_after_its_connect(bench):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()[1]
    with connect(bench.proxy(upstream=f"127.0.0.1:{nobody}").listen) as client:
        assert read_to_end(client) == b""


def test_disabling_closes_both_ends_and_keeps_toxics(bench):
    wire = bench.wire(Toxic("noop"))
    wire.proxy.disable()
    assert (read_to_end(wire.client), read_to_end(wire.server)) == (b"", b"")
    assert len(wire.proxy.toxics()) == 1


@pytest.mark.parametrize("stream", STREAMS)
def test_latency_delays_by_at_least_what_was_asked(bench, stream):
    source, target = bench.wire(Toxic("latency", stream, {"latency": 60})).ends(stream)
    began = time.monotonic()
    assert carries(source, target)
    assert time.monotonic() - began >= 0.059
    assert carries(target, source)


def test_latency_delays_chunks_together_not_one_after_the_other(bench):
    """Thirty chunks of 300 ms each would take nine seconds in a row."""
    wire = bench.wire(Toxic("latency", "upstream", {"latency": 300}))
    data = bytes(30 * 32 * 1024)
    began = time.monotonic()
    wire.client.sendall(data)
    assert read_exactly(wire.server, len(data)) == data
    assert time.monotonic() - began < 5


def test_jitter_keeps_the_order(bench):
    wire = bench.wire(Toxic("latency", "upstream", {"latency": 10, "jitter": 10}))
    data = LARGE[: 1 << 20]
    sender = send_in_background(wire.client, data)
    assert read_exactly(wire.server, len(data)) == data
    sender.join()


def test_what_latency_holds_arrives_before_the_close(bench):
    wire = bench.wire(Toxic("latency", attributes={"latency": 50}))
    wire.server.sendall(b"last words")
    wire.server.close()
    assert read_to_end(wire.client) == b"last words"


def test_a_half_closed_client_still_gets_what_a_toxic_held_for_it(bench):
    """The first piece shows that the proxy has the rest."""
    wire = bench.wire(Toxic("slicer", attributes={"average_size": 4, "delay": 50_000}))
    wire.server.sendall(b"firstheld")
    first = wire.client.recv(5)
    wire.client.shutdown(socket.SHUT_WR)
    assert first + read_to_end(wire.client) == b"firstheld"
    assert read_to_end(wire.server) == b""


def test_removing_latency_releases_everything_held(bench):
    wire = bench.wire(Toxic("latency", attributes={"latency": FOREVER_MS}))
    wire.server.sendall(b"one")
    wire.server.sendall(b"two")
    wire.proxy.remove_toxic("latency_downstream")
    assert read_exactly(wire.client, 6) == b"onetwo"
    assert carries(wire.server, wire.client)


def test_updating_latency_applies_to_what_is_held(bench):
    wire = bench.wire(Toxic("latency", attributes={"latency": FOREVER_MS}))
    wire.server.sendall(b"held")
    wire.proxy.update_toxic(Toxic("latency", attributes={"latency": 1}))
    assert read_exactly(wire.client, 4) == b"held"


def test_bandwidth_takes_at_least_the_time_the_line_needs(bench):
    wire = bench.wire(Toxic("bandwidth", "upstream", {"rate": 100}))
    began = time.monotonic()
    assert carries(wire.client, wire.server, bytes(30_000))
    assert time.monotonic() - began >= 0.298  # a KB of 1024 bytes would take 0.293


def test_a_rate_of_zero_stalls_until_it_is_raised(bench):
    wire = bench.wire(Toxic("bandwidth", "upstream", {"rate": 0}))
    wire.client.sendall(b"stalled")
    wire.server.settimeout(0.1)
    with pytest.raises(TimeoutError):
        wire.server.recv(10)
    wire.server.settimeout(10)
    wire.proxy.update_toxic(Toxic("bandwidth", "upstream", {"rate": 1000}))
    assert read_exactly(wire.server, 7) == b"stalled"


def test_slow_close_delays_the_close_only(bench):
    wire = bench.wire(Toxic("slow_close", attributes={"delay": 80}))
    began = time.monotonic()
    assert carries(wire.server, wire.client)
    wire.server.close()
    assert read_to_end(wire.client) == b""
    assert time.monotonic() - began >= 0.079


def test_removing_slow_close_closes_at_once(bench):
    wire = bench.wire(Toxic("slow_close", attributes={"delay": FOREVER_MS}))
    assert carries(wire.client, wire.server)  # now the toxic is on this connection
    wire.server.close()
    wire.proxy.remove_toxic("slow_close_downstream")
    assert read_to_end(wire.client) == b""


def test_timeout_drops_data_and_closes_after_the_last_chunk(bench):
    wire = bench.wire(Toxic("timeout", attributes={"timeout": 80}))
    wire.server.sendall(b"lost")
    began = time.monotonic()
    assert read_to_end(wire.client) == b""
    assert time.monotonic() - began >= 0.07
    assert read_to_end(wire.server) == b""


@pytest.mark.parametrize("toxicity", [0.0, 1.0])
def test_removing_a_timeout_closes_the_connection_whatever_its_toxicity(bench, toxicity):
    wire = bench.wire(Toxic("timeout", attributes={"timeout": 0}, toxicity=toxicity))
    assert carries(wire.client, wire.server)  # now the toxic is on this connection
    wire.proxy.remove_toxic("timeout_downstream")
    assert read_to_end(wire.client) == b""


def test_an_endless_timeout_still_passes_the_close_on(bench):
    wire = bench.wire(Toxic("timeout", attributes={"timeout": 0}))
    wire.server.close()
    assert read_to_end(wire.client) == b""


@pytest.mark.parametrize("stream", STREAMS)
def test_reset_peer_resets_both_sides_at_the_first_data(bench, stream):
    source, target = bench.wire(Toxic("reset_peer", stream, {"timeout": 20})).ends(stream)
    source.sendall(b"x")
    for end in (target, source):
        with pytest.raises(ConnectionResetError):
            end.recv(10)


def test_reset_peer_added_to_a_live_connection_closes_it_orderly(bench):
    wire = bench.wire()
    assert carries(wire.server, wire.client)
    wire.proxy.add_toxic(Toxic("reset_peer"))
    wire.server.sendall(b"x")
    assert read_to_end(wire.client) == b""


def test_a_connection_made_under_reset_peer_is_reset_even_after_it_was_removed(bench):
    wire = bench.wire(Toxic("reset_peer", attributes={"timeout": 0}))
    assert carries(wire.client, wire.server)  # now the toxic is on this connection
    wire.proxy.remove_toxic("reset_peer_downstream")
    assert carries(wire.server, wire.client)
    wire.client.close()
    with pytest.raises(ConnectionResetError):
        wire.server.recv(10)


def test_slicer_cuts_and_loses_nothing(bench):
    wire = bench.wire(Toxic("slicer", attributes={"average_size": 100, "size_variation": 20, "delay": 2000}))
    data = LARGE[:2000]
    began = time.monotonic()
    wire.server.sendall(data)
    pieces = [wire.client.recv(5000)]
    while sum(map(len, pieces)) < len(data):
        pieces.append(wire.client.recv(5000))
    assert b"".join(pieces) == data
    assert time.monotonic() - began >= 0.02
    assert len(pieces) > 5


def test_limit_data_passes_exactly_that_many_bytes_and_closes(bench):
    wire = bench.wire(Toxic("limit_data", attributes={"bytes": 1000}))
    wire.server.sendall(LARGE[:1001])
    assert read_to_end(wire.client) == LARGE[:1000]


def test_limit_data_counts_from_when_it_was_added(bench):
    wire = bench.wire()
    assert carries(wire.server, wire.client, b"before")
    wire.proxy.add_toxic(Toxic("limit_data", attributes={"bytes": 3}))
    wire.server.sendall(b"after")
    assert read_to_end(wire.client) == b"aft"


def test_an_update_of_limit_data_keeps_the_count(bench):
    wire = bench.wire(Toxic("limit_data", attributes={"bytes": 100}))
    assert carries(wire.server, wire.client, b"12345")
    wire.proxy.update_toxic(Toxic("limit_data", attributes={"bytes": 7}))
    wire.server.sendall(b"67890")
    assert read_to_end(wire.client) == b"67"


def test_limit_of_zero_closes_at_the_first_data(bench):
    wire = bench.wire(Toxic("limit_data", attributes={"bytes": 0}))
    wire.server.sendall(b"x")
    assert read_to_end(wire.client) == b""


def test_a_toxicity_of_zero_does_nothing(bench):
    wire = bench.wire(Toxic("limit_data", attributes={"bytes": 0}, toxicity=0.0))
    assert carries(wire.server, wire.client)


def test_toxics_of_one_direction_all_apply(bench):
    wire = bench.wire(
        Toxic("limit_data", attributes={"bytes": 4}),
        Toxic("slicer", attributes={"average_size": 1}),
        Toxic("latency", attributes={"latency": 50}),
    )
    began = time.monotonic()
    wire.server.sendall(b"123456")
    assert read_to_end(wire.client) == b"1234"
    assert time.monotonic() - began >= 0.049


def test_a_slow_reader_pushes_back_on_the_writer(bench):
    assert fill(bench.wire().client) < 1 << 28


def test_connections_get_their_toxicity_one_by_one(bench):
    proxy = bench.proxy(Toxic("limit_data", attributes={"bytes": 0}, toxicity=0.5))
    fates = []
    for _ in range(40):
        wire = bench.connected(proxy)
        wire.server.sendall(b"x")
        fates.append(wire.client.recv(1))
    assert set(fates) == {b"", b"x"}
    assert any(earlier != later for earlier, later in pairwise(fates))
