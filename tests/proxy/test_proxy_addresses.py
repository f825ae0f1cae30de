"""An unusable `listen` address, on both servers: what is refused, in which words, and what keeps serving."""

import pytest
from proxy_wires import address_of, read_exactly, request

from harness.proxy.client import Toxic

NO_ADDRESSES = [
    ("127.0.0.1", "address 127.0.0.1: missing port in address"),
    ("127.0.0.1:99999", "address 99999: invalid port"),
    ("127.0.0.1:-1", "address -1: invalid port"),
    ("127.0.0.1:abc", "lookup tcp/abc: unknown port"),
    ("::1:80", "address ::1:80: too many colons in address"),
    ("[::1", "address [::1: missing ']' in address"),
    ("[::1]x:80", "address [::1]x:80: missing port in address"),
]
NOT_OURS = "192.0.2.1:0"


def refusal(message):
    return {"error": message, "status": 500}


def still_carries(wire):
    wire.client.sendall(b"ping")
    return read_exactly(wire.server, 4) == b"ping"


@pytest.mark.parametrize(("listen", "error"), NO_ADDRESSES)
def test_creating_a_proxy_on_an_invalid_address_creates_nothing(bench, listen, error):
    reply = request(bench.client, "POST", "/proxies", {"name": "unbound", "upstream": "x:1", "listen": listen})
    assert reply.value == refusal(f"listen tcp: {error}")
    assert request(bench.client, "GET", "/proxies/unbound").status == 404


def test_creating_a_proxy_on_a_taken_port_is_an_error_500(bench):
    taken = address_of(bench.listener)
    reply = request(bench.client, "POST", "/proxies", {"name": "taken", "upstream": "x:1", "listen": taken})
    assert reply.value == refusal(f"listen tcp {taken}: bind: address already in use")


@pytest.mark.parametrize("others", [{}, {"upstream": "127.0.0.1:9"}, {"enabled": False}], ids=str)
@pytest.mark.parametrize(("listen", "error"), NO_ADDRESSES)
def test_an_update_to_an_invalid_address_leaves_the_proxy_unchanged_and_serving(bench, listen, error, others):
    wire = bench.wire(Toxic("noop"))
    path = f"/proxies/{wire.proxy.name}"
    before = request(bench.client, "GET", path).value
    assert request(bench.client, "PATCH", path, {"listen": listen, **others}).value == refusal(error)
    assert request(bench.client, "GET", path).value == before
    assert still_carries(wire)
    assert still_carries(bench.connected(wire.proxy))


@pytest.mark.parametrize(("listen", "error"), NO_ADDRESSES)
def test_populating_with_an_invalid_address_leaves_the_proxy_of_that_name_serving(bench, listen, error):
    wire = bench.wire()
    entry = {"name": wire.proxy.name, "upstream": wire.proxy.upstream, "listen": listen}
    assert request(bench.client, "POST", "/populate", [entry]).value == {**refusal(error), "proxies": None}
    assert still_carries(wire)


def test_populating_with_an_address_of_others_leaves_the_proxy_of_that_name_disabled(bench):
    handle = bench.proxy()
    entry = {"name": handle.name, "upstream": handle.upstream, "listen": NOT_OURS}
    assert request(bench.client, "POST", "/populate", [entry]).status == 500
    now = request(bench.client, "GET", f"/proxies/{handle.name}").value
    assert (now["enabled"], now["listen"]) == (False, handle.listen)
    handle.enable()
    assert still_carries(bench.connected(handle))


@pytest.mark.parametrize("taken", ["", NOT_OURS], ids=["in use", "not ours"])
def test_an_update_to_an_address_that_cannot_be_bound_leaves_the_proxy_disabled_with_it(bench, taken):
    handle, taken = bench.proxy(), taken or address_of(bench.listener)
    assert request(bench.client, "PATCH", f"/proxies/{handle.name}", {"listen": taken}).status == 500
    now = request(bench.client, "GET", f"/proxies/{handle.name}").value
    assert (now["enabled"], now["listen"]) == (False, taken)
