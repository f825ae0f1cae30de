"""What only the embedded server does: it refuses bad values, never blocks, repeats with a seed and counts live."""

import asyncio
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, fields

import pytest
from proxy_wires import (
    DEADLINE_S,
    address_of,
    bench_on,
    connect,
    eventually,
    fill,
    push,
    read_exactly,
    read_to_end,
    request,
)

from harness.proxy.client import ByteCounters, Toxic
from harness.proxy.embedded import toxics as embedded_toxics
from harness.proxy.embedded.metrics import ProxyMetrics
from harness.proxy.embedded.pipe import Pipe
from harness.proxy.embedded.proxy import Proxy
from harness.proxy.embedded.randomness import generator_for
from harness.proxy.embedded.toxic_link import NamedToxic
from harness.proxy.embedded.toxics import toxic_type, toxic_type_names
from harness.proxy.server_process import find_backend, running_proxy_server

FOREVER_MS = 600_000


def attribute_names(kind):
    return [field.name for field in fields(toxic_type(kind))]


NEGATIVE = [(kind, name) for kind in toxic_type_names() for name in attribute_names(kind)]


@pytest.mark.parametrize(("kind", "attribute"), NEGATIVE)
def test_a_negative_attribute_is_refused(embedded_bench, kind, attribute):
    handle = embedded_bench.proxy()
    attributes = {"average_size": 10, attribute: -1} if kind == "slicer" else {attribute: -1}
    body = {"type": kind, "attributes": attributes}
    reply = request(embedded_bench.client, "POST", f"/proxies/{handle.name}/toxics", body)
    assert reply.value == {"error": f"bad request body: {attribute} must not be negative", "status": 400}
    assert handle.toxics() == ()


@pytest.mark.parametrize("attributes", [{}, {"average_size": 10, "size_variation": 11}])
def test_a_slicer_that_could_not_cut_is_refused(embedded_bench, attributes):
    body = {"type": "slicer", "attributes": attributes}
    path = f"/proxies/{embedded_bench.proxy().name}/toxics"
    assert request(embedded_bench.client, "POST", path, body).status == 400


@pytest.mark.parametrize("toxicity", ["-0.1", "1.1", "NaN", "1e400", "1" + "0" * 400, "true"])
def test_a_toxicity_that_is_no_probability_is_refused(embedded_bench, toxicity):
    body = f'{{"type": "noop", "toxicity": {toxicity}}}'
    path = f"/proxies/{embedded_bench.proxy().name}/toxics"
    assert request(embedded_bench.client, "POST", path, body).status == 400


def test_a_refused_update_leaves_a_live_toxic_as_it_was(embedded_bench):
    wire = embedded_bench.wire(Toxic("bandwidth", attributes={"rate": 1000}))
    body = {"attributes": {"rate": -1}}
    path = f"/proxies/{wire.proxy.name}/toxics/bandwidth_downstream"
    assert request(embedded_bench.client, "POST", path, body).status == 400
    assert wire.proxy.toxics() == (Toxic("bandwidth", attributes={"rate": 1000}),)
    wire.server.sendall(b"flows")
    assert read_exactly(wire.client, 5) == b"flows"


def test_json_nested_beyond_reason_is_refused(embedded_client):
    assert request(embedded_client, "POST", "/proxies", "[" * 200_000).status == 400


@pytest.mark.parametrize(
    "toxic",
    [
        Toxic("noop"),
        Toxic("bandwidth", attributes={"rate": 0}),
        Toxic("latency", attributes={"latency": FOREVER_MS}),
        Toxic("slicer", attributes={"average_size": 1000}),
    ],
    ids=lambda toxic: toxic.type,
)
def test_the_api_answers_while_a_client_does_not_read_and_nothing_is_lost(embedded_bench, toxic):
    wire = embedded_bench.wire(toxic)
    sent = fill(wire.server)
    wire.proxy.update_toxic(Toxic(toxic.type, toxic.stream, toxic.attributes, 1.0))
    wire.proxy.add_toxic(Toxic("noop", name="another"))
    wire.proxy.remove_toxic(toxic.name)
    assert len(read_exactly(wire.client, sent)) == sent
    wire.server.sendall(b"end")
    assert read_exactly(wire.client, 3) == b"end"


@pytest.mark.parametrize("change", ["add", "remove"])
def test_a_change_beside_a_toxic_releases_the_chunk_in_its_hand(embedded_bench, change):
    wire = embedded_bench.wire(Toxic("latency", attributes={"latency": FOREVER_MS}))
    if change == "remove":
        wire.proxy.add_toxic(Toxic("noop"))
    wire.server.sendall(b"in flight")
    eventually(lambda: wire.proxy.byte_counters().received_downstream == 9)
    if change == "remove":
        wire.proxy.remove_toxic("noop_downstream")
    else:
        wire.proxy.add_toxic(Toxic("noop"))
    assert read_exactly(wire.client, 9) == b"in flight"


def test_a_name_can_be_used_again_before_its_old_toxic_has_drained(embedded_bench):
    wire = embedded_bench.wire(Toxic("noop", name="t"))
    sent = fill(wire.server)
    wire.proxy.remove_toxic("t")
    wire.proxy.add_toxic(Toxic("bandwidth", attributes={"rate": 0}, name="t"))
    wire.proxy.remove_toxic("t")
    assert len(read_exactly(wire.client, sent)) == sent


def test_disabling_does_not_wait_for_a_client_that_does_not_read(embedded_bench):
    wire = embedded_bench.wire(Toxic("noop"))
    fill(wire.server)
    wire.proxy.disable()
    with pytest.raises(ConnectionError):
        sum(push(wire.server, 1 << 30))


def test_a_dial_that_hangs_blocks_nothing(embedded_bench):
    with ExitStack() as stack:
        # A full accept queue makes the kernel drop the next connection request.
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        proxy = embedded_bench.proxy(upstream=address_of(deaf))
        client = stack.enter_context(connect(proxy.listen))
        proxy.add_toxic(Toxic("noop"))
        proxy.remove_toxic("noop_downstream")
        proxy.disable()
        assert read_to_end(client) == b""


def test_removing_reset_peer_does_not_wait_and_passes_its_data_on(embedded_bench):
    wire = embedded_bench.wire(Toxic("reset_peer", attributes={"timeout": FOREVER_MS}))
    wire.server.sendall(b"spared")
    wire.proxy.remove_toxic("reset_peer_downstream")
    assert read_exactly(wire.client, 6) == b"spared"


def fates(seed, log_path):
    backend = find_backend("embedded")
    with running_proxy_server(backend, seed=seed, log_path=log_path) as client, bench_on(client) as bench:
        proxy = bench.proxy(Toxic("limit_data", attributes={"bytes": 0}, toxicity=0.5), name="same")
        wires = [bench.connected(proxy) for _ in range(24)]
        for wire in wires:
            wire.server.sendall(b"x")
        return [wire.client.recv(1) for wire in wires]


def test_the_same_seed_gives_the_same_faults(tmp_path):
    assert fates(7, tmp_path / "log") == fates(7, tmp_path / "log")
    assert fates(7, tmp_path / "log") != fates(8, tmp_path / "log")


def test_every_toxic_of_every_connection_draws_on_its_own():
    keys = [(1, "p", 0, "upstream", "t"), (2, "p", 0, "upstream", "t"), (1, "q", 0, "upstream", "t")]
    keys += [(1, "p", 1, "upstream", "t"), (1, "p", 0, "downstream", "t"), (1, "p", 0, "upstream", "u")]
    assert len({generator_for(*key).random() for key in keys}) == len(keys)


def test_random_numbers_are_the_same_in_another_process():
    program = (
        "from harness.proxy.embedded.randomness import generator_for as g; print(g(1,'p',0,'upstream','t').random())"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert float(printed) == generator_for(1, "p", 0, "upstream", "t").random()


def test_counters_move_while_the_connection_is_open(embedded_bench):
    wire = embedded_bench.wire(Toxic("timeout", attributes={"timeout": 0}))
    wire.client.sendall(b"12345")
    assert read_exactly(wire.server, 5) == b"12345"
    wire.server.sendall(b"swallowed")
    wire.client.sendall(b"6")
    assert read_exactly(wire.server, 1) == b"6"
    counters = wire.proxy.byte_counters()
    assert (counters.upstream, counters.received_upstream) == (6, 6)
    assert counters.downstream == 0
    assert embedded_bench.client.byte_counters("unknown") == ByteCounters(0, 0)


@pytest.mark.parametrize(
    ("toxic", "limit"),
    [
        (Toxic("noop"), 32 << 20),
        (Toxic("bandwidth", attributes={"rate": 1}), 32 << 20),
        (Toxic("latency", attributes={"latency": FOREVER_MS}), 96 << 20),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_what_is_held_for_a_slow_line_is_bounded(embedded_bench, toxic, limit):
    assert fill(embedded_bench.wire(toxic).server) < limit


@dataclass(frozen=True)
class Broken(embedded_toxics.EmbeddedToxic):
    """Fails at the first chunk."""

    type = "broken"

    async def run(self, stream):
        """Raise what a bug would."""
        await stream.read()
        raise RuntimeError("a bug")


async def relay_with_a_broken_toxic(listener, reports):
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reports.append(context))
    proxy = Proxy("p", "127.0.0.1:0", address_of(listener), seed=1, metrics=ProxyMetrics())
    proxy.add_toxic(NamedToxic("bad", "upstream", 1.0, Broken()))
    await proxy.enable()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.listen.rpartition(":")[2]))
    writer.write(b"x")
    assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
    writer.close()
    await proxy.disable()


def test_a_toxic_that_fails_closes_the_connection_and_is_reported():
    reports = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asyncio.run(relay_with_a_broken_toxic(listener, reports))
    assert [context["message"] for context in reports] == ["toxic bad failed"]


@pytest.mark.parametrize("upstream", ["no-port", "é" * 80 + ":1", "127.0.0.1:x"])
def test_an_invalid_upstream_address_closes_the_client(embedded_bench, upstream):
    with connect(embedded_bench.proxy(upstream=upstream).listen) as client:
        assert read_to_end(client) == b""


def test_a_queue_of_tiny_chunks_is_bounded_too():
    pipe = Pipe(limit_bytes=1000, clock=time.monotonic)
    for _ in range(4):
        pipe.put(b"x")
    assert not pipe.has_room


def test_a_queue_says_when_there_is_room_again():
    pipe, told = Pipe(limit_bytes=100, clock=time.monotonic), asyncio.Event()
    pipe.on_room = told.set
    pipe.put(bytes(200))
    assert not told.is_set()
    pipe.take()
    assert told.is_set()
