"""The flipper passes every byte on as it is, but for one bit where it was asked to, and says which."""

import queue
import socket
import threading
from itertools import pairwise

import pytest
from hand_made_facts import event
from hypothesis import given
from hypothesis import strategies as st

from harness.plan.faults import FlippedStream
from harness.plan.faults.flip import FARTHEST, PARTS, Flip
from harness.relay.flipper import Flipper, _Pump
from harness.relay.frames import Frames
from harness.trace.place import At

SECONDS = 30
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, payload, flags=0):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + bytes(4) + payload


# What stands on a connection, in order, with the name of each part.
UP = [
    ("preface", PREFACE), ("frame header", frame(4, b"s" * 6)[:9]), ("settings", b"s" * 6),
    ("frame header", frame(1, b"h" * 40)[:9]), ("headers", b"h" * 40),
    ("frame header", frame(0, b"d" * 300)[:9]), ("data", b"d" * 300),
    ("frame header", frame(4, b"", 1)), ("frame header", frame(8, b"wwww")[:9]), ("window update", b"wwww"),
    ("frame header", frame(6, b"p" * 8)[:9]), ("ping", b"p" * 8),
]  # fmt: skip
DOWN = [
    ("frame header", frame(4, b"s" * 6)[:9]), ("settings", b"s" * 6),
    ("frame header", frame(1, b"h" * 20)[:9]), ("headers", b"h" * 20),
    ("frame header", frame(0, b"d" * 90)[:9]), ("data", b"d" * 90),
    ("frame header", frame(1, b"t" * 30, 5)[:9]), ("trailers", b"t" * 30),
    ("frame header", frame(8, b"wwww")[:9]), ("window update", b"wwww"),
    ("frame header", frame(6, b"p" * 8)[:9]), ("ping", b"p" * 8),
]  # fmt: skip
SPOKEN = {"upstream": UP, "downstream": DOWN}


@given(stream=st.sampled_from(["upstream", "downstream"]), cuts=st.lists(st.integers(0, 500), max_size=12))
def test_every_byte_belongs_to_its_part_however_the_bytes_come(stream, cuts):
    parts = SPOKEN[stream]
    data = b"".join(content for _, content in parts)
    expected = [name for name, content in parts for _ in content]
    frames, found = Frames(from_client=stream == "upstream"), []
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, stop in pairwise(edges):
        for fragment in frames.fragments(data[start:stop]):
            found += [fragment.part] * (fragment.stop - fragment.start)
    assert expected == found


class Trunk:
    """Accepts connections and keeps what comes."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(SECONDS)
        self.address = "{}:{}".format(*self.server.getsockname())


@pytest.fixture
def line():
    trunk, notes = Trunk(), queue.Queue()

    def note(source, point, **fields):
        assert (source, point) == ("relay", "relay.bit.flipped")
        notes.put(fields)

    with Flipper(trunk.address, note) as flipper:
        host, port = flipper.address.split(":")
        client = socket.create_connection((host, int(port)))
        served, _ = trunk.server.accept()
        for end in (client, served):
            end.settimeout(SECONDS)
        yield flipper, {"upstream": (client, served), "downstream": (served, client)}, notes
        client.close()
        served.close()
    trunk.server.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "flipper"]


def carried(source, sink, data):
    source.sendall(data)
    got = b""
    while len(got) < len(data):
        got += sink.recv(1 << 16)
    return got


@pytest.mark.parametrize(("stream", "part"), [(stream, part) for stream in PARTS for part in PARTS[stream]])
def test_one_bit_of_the_next_such_part_is_another(line, stream, part):
    flipper, ends, notes = line
    data = b"".join(content for _, content in SPOKEN[stream])
    names = [name for name, content in SPOKEN[stream] for _ in content]
    flipper.arm(Flip("this", stream, part, seed=3))
    got = carried(*ends[stream], data)

    (offset,) = (k for k in range(len(data)) if data[k] != got[k])
    assert 1 == (data[offset] ^ got[offset]).bit_count()
    assert part == names[offset]
    assert all(name != part for name in names[: names.index(part)])
    told = notes.get(timeout=SECONDS)
    assert ("this", stream, part, offset) == (told["fault"], told["stream"], told["part"], told["offset"])
    again = carried(*ends[stream], frame(0, b"x" * 50))
    assert frame(0, b"x" * 50) == again, "once"


def test_a_bit_anywhere_is_counted_over_chunks_and_connections(line):
    flipper, ends, notes = line
    flip = Flip("this", "upstream", "anywhere", seed=1)
    byte, bit = flip.place(FARTHEST)
    flipper.arm(flip)
    data = PREFACE + frame(0, bytes(16_000)) * 4
    got = carried(*ends["upstream"], data[:1000]) + carried(*ends["upstream"], data[1000:])

    assert bytes(b ^ (1 << bit) if k == byte else b for k, b in enumerate(data)) == got
    assert byte == notes.get(timeout=SECONDS)["offset"]


def test_other_bytes_pass_untouched_and_nothing_is_said_of_a_flip_that_did_not_come(line):
    flipper, ends, notes = line
    flipper.arm(Flip("this", "downstream", "trailers", seed=0))
    for stream in ("upstream", "downstream"):
        data = b"".join(content for name, content in SPOKEN[stream][:6])
        assert data == carried(*ends[stream], data)
    assert notes.empty()


def test_a_fault_shows_by_the_relays_word_for_it_alone():
    fault = FlippedStream(At("client.step.started", 2), "upstream", "data", 5)
    told = {"part": "data"}
    own, other = (event(1, 0.0, "relay.bit.flipped", **told, fault=name) for name in (fault.name, "x"))
    assert fault.shows([other, own])
    assert not fault.shows([other])


def test_a_flip_that_reached_nobody_is_due_again():
    told = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with Flipper(address, lambda *words, **_: told.append(words)) as flipper:
            flipper.arm(Flip("flip", "upstream", "preface", 0))
            for gone in (True, False):
                client, source = socket.socketpair()
                sink, trunk = socket.socketpair()
                with client, trunk:
                    if gone:
                        trunk.close()
                    client.sendall(PREFACE)
                    client.shutdown(socket.SHUT_WR)
                    _Pump(flipper, "upstream", 1, source, sink).run()
                    assert gone or trunk.recv(100) != PREFACE
                assert len(told) == (0 if gone else 1)
