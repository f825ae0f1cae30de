"""The HTTP API, on both servers."""

import pytest
from proxy_wires import address_of, connect, eventually, read_to_end, request

from harness.proxy.client import Toxic

STREAM_ERROR = "stream was invalid, can be either upstream or downstream"


def shown(handle, **changes):
    proxy = {"name": handle.name, "listen": handle.listen, "upstream": handle.upstream, "enabled": True}
    return {**proxy, "Logger": {}, "toxics": [], **changes}


def refusal(message, status):
    return {"error": message, "status": status}


def test_a_created_proxy_is_shown_listed_and_deleted(bench):
    handle = bench.proxy()
    path = f"/proxies/{handle.name}"
    assert request(bench.client, "GET", path).value == shown(handle)
    assert request(bench.client, "GET", "/proxies").value[handle.name] == shown(handle)
    assert request(bench.client, "DELETE", path).status == 204
    assert request(bench.client, "GET", path).status == 404


def test_proxies_are_listed_in_order_of_name(bench):
    for name in ("zebra", "ant", "mole"):
        bench.proxy(name=name)
    listed = list(request(bench.client, "GET", "/proxies").value)
    assert listed == sorted(listed)


def test_creation_answers_201_with_the_resolved_address(bench):
    wanted = {"NAME": "resolved", "Upstream": "127.0.0.1:9", "listen": "localhost:0", "enabled": None, "other": 1}
    reply = request(bench.client, "POST", "/proxies", wanted)
    request(bench.client, "DELETE", "/proxies/resolved")
    assert reply.status == 201
    assert reply.content_type == "application/json"
    assert reply.value["listen"].startswith("127.0.0.1:")
    assert reply.value["listen"] != "127.0.0.1:0"


@pytest.mark.parametrize("listen", [None, "", "0.0.0.0:0"])
def test_a_missing_host_listens_on_all_interfaces(bench, listen):
    made = request(bench.client, "POST", "/proxies", {"name": "everywhere", "upstream": "x:1", "listen": listen})
    request(bench.client, "DELETE", "/proxies/everywhere")
    assert made.value["listen"].startswith("[::]:")


def test_a_proxy_created_disabled_shows_the_address_as_given(bench):
    wanted = {"name": "off", "upstream": "x:1", "listen": "127.0.0.1:0", "enabled": False}
    made = request(bench.client, "POST", "/proxies", wanted)
    request(bench.client, "DELETE", "/proxies/off")
    assert (made.value["enabled"], made.value["listen"]) == (False, "127.0.0.1:0")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"upstream": "x:1"}, refusal("missing required field: name", 400)),
        ({"name": None, "upstream": "x:1"}, refusal("missing required field: name", 400)),
        ({"name": "x"}, refusal("missing required field: upstream", 400)),
        ("null", refusal("missing required field: name", 400)),
        ("", refusal("bad request body: EOF", 400)),
    ],
)
def test_a_proxy_that_lacks_something_is_refused_in_these_words(bench, body, error):
    reply = request(bench.client, "POST", "/proxies", body)
    assert reply.value == error
    assert reply.text.endswith("\n")
    assert reply.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize("body", ["garbage", "[]", {"name": 5}, {"name": "x", "upstream": "x", "enabled": "yes"}])
def test_a_body_of_the_wrong_shape_is_refused(bench, body):
    reply = request(bench.client, "POST", "/proxies", body)
    assert reply.status == 400
    assert reply.value["error"].startswith("bad request body: ")


def test_what_follows_the_first_json_value_is_ignored(bench):
    reply = request(bench.client, "POST", "/proxies", '{"name":"q","upstream":"x","listen":"127.0.0.1:0"} junk')
    request(bench.client, "DELETE", "/proxies/q")
    assert reply.status == 201


def test_a_taken_name_is_a_conflict(bench):
    handle = bench.proxy()
    reply = request(bench.client, "POST", "/proxies", {"name": handle.name, "upstream": "x:1"})
    assert reply.value == refusal("proxy already exists", 409)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("path", ["/proxies/nope", "/proxies/nope/toxics/nope"])
def test_an_unknown_proxy_is_not_found(bench, method, path):
    assert request(bench.client, method, path).value == refusal("proxy not found", 404)


@pytest.mark.parametrize("path", ["/", "/nope", "/proxies/", "/metrics/"])
def test_an_unknown_path_is_not_found(bench, path):
    reply = request(bench.client, "GET", path)
    assert (reply.status, reply.text) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/proxies"), ("GET", "/reset"), ("HEAD", "/proxies"), ("POST", "/version"), ("PUT", "/proxies/a/toxics")],
)
def test_a_wrong_method_is_405(bench, method, path):
    assert request(bench.client, method, path).status == 405


def test_a_browser_is_refused(bench):
    reply = request(bench.client, "GET", "/proxies", headers={"User-Agent": "Mozilla/5.0"})
    assert (reply.status, reply.text) == (403, "User agent not allowed\n")


def test_version_is_json(bench):
    assert list(request(bench.client, "GET", "/version").value) == ["version"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_update_changes_what_it_names_and_not_the_name(bench, method):
    handle = bench.proxy()
    reply = request(bench.client, method, f"/proxies/{handle.name}", {"name": "other", "enabled": False})
    assert (reply.status, reply.value) == (200, shown(handle, enabled=False))


def test_enabling_again_takes_the_same_port(bench):
    handle = bench.proxy()
    handle.disable()
    with pytest.raises(ConnectionRefusedError):
        connect(handle.listen)
    handle.enable()
    assert bench.connected(handle)


def test_changing_the_upstream_closes_connections_and_keeps_toxics(bench):
    wire = bench.wire(Toxic("noop"))
    body = {"upstream": "127.0.0.1:9"}
    reply = request(bench.client, "POST", f"/proxies/{wire.proxy.name}", body)
    assert (read_to_end(wire.client), read_to_end(wire.server)) == (b"", b"")
    assert [toxic["name"] for toxic in reply.value["toxics"]] == ["noop_downstream"]


def test_the_same_address_in_other_words_closes_nothing(bench):
    wire = bench.wire()
    same = wire.proxy.listen.replace("127.0.0.1", "localhost")
    request(bench.client, "POST", f"/proxies/{wire.proxy.name}", {"listen": same})
    wire.client.sendall(b"still here")
    assert wire.server.recv(100) == b"still here"


def test_populate_keeps_what_is_the_same_and_replaces_what_is_not(bench):
    same, other = bench.proxy(Toxic("noop")), bench.proxy(Toxic("noop"))
    entries = [
        {"name": same.name, "upstream": same.upstream, "listen": same.listen, "enabled": False},
        {"name": other.name, "upstream": "127.0.0.1:9", "listen": other.listen, "toxics": [{"type": "noop"}]},
    ]
    reply = request(bench.client, "POST", "/populate", entries)
    kept, replaced = reply.value["proxies"]
    assert reply.status == 201
    assert (kept["enabled"], len(kept["toxics"])) == (True, 1)
    assert (replaced["upstream"], replaced["toxics"]) == ("127.0.0.1:9", [])


def test_populate_checks_every_entry_before_it_creates_any(bench):
    entries = [{"name": "p1", "upstream": "x:1", "listen": "127.0.0.1:0"}, {"name": "p2"}]
    reply = request(bench.client, "POST", "/populate", entries)
    assert reply.content_type == "application/json"
    assert reply.value == {**refusal("missing required field: upstream at proxy 2", 400), "proxies": None}
    assert request(bench.client, "GET", "/proxies/p1").status == 404


def test_populate_reports_what_it_created_before_a_failure(bench):
    taken = address_of(bench.listener)
    entries = [{"name": name, "upstream": "x:1", "listen": at} for name, at in (("p1", "127.0.0.1:0"), ("p2", taken))]
    reply = request(bench.client, "POST", "/populate", entries)
    request(bench.client, "DELETE", "/proxies/p1")
    assert (reply.status, [proxy["name"] for proxy in reply.value["proxies"]]) == (500, ["p1"])


def test_populating_nothing_answers_null(bench):
    assert request(bench.client, "POST", "/populate", []).value == {"proxies": None}


def test_reset_enables_every_proxy_and_removes_every_toxic(bench):
    handle = bench.proxy(Toxic("noop"), Toxic("latency", "upstream"))
    handle.disable()
    assert request(bench.client, "POST", "/reset").status == 204
    assert request(bench.client, "GET", f"/proxies/{handle.name}").value == shown(handle)


def test_a_toxic_has_defaults(bench):
    handle = bench.proxy()
    reply = request(bench.client, "POST", f"/proxies/{handle.name}/toxics", {"type": "latency"})
    expected = {"name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1}
    assert (reply.status, reply.value) == (200, {**expected, "attributes": {"latency": 0, "jitter": 0}})


def test_toxics_are_listed_upstream_first_then_by_age(bench):
    handle = bench.proxy(Toxic("noop", name="a"), Toxic("noop", "upstream", name="b"), Toxic("noop", name="c"))
    assert [toxic.name for toxic in handle.toxics()] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"type": "nope", "stream": "sideways"}, refusal(STREAM_ERROR, 400)),
        ({"type": "noop", "stream": ""}, refusal(STREAM_ERROR, 400)),
        ({"type": "nope"}, refusal("invalid toxic type", 400)),
        ({}, refusal("invalid toxic type", 400)),
        ({"type": "noop", "name": "present", "stream": "upstream"}, refusal("toxic already exists", 409)),
    ],
)
def test_a_bad_toxic_is_refused_in_these_words(bench, body, error):
    handle = bench.proxy(Toxic("noop", name="present"))
    assert request(bench.client, "POST", f"/proxies/{handle.name}/toxics", body).value == error


@pytest.mark.parametrize("rate", [5.5, "5", True, [], 10**20])
def test_an_attribute_that_is_no_integer_is_refused(bench, rate):
    handle = bench.proxy()
    body = {"type": "bandwidth", "attributes": {"rate": rate}}
    reply = request(bench.client, "POST", f"/proxies/{handle.name}/toxics", body)
    assert reply.status == 400
    assert handle.toxics() == ()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_update_of_a_toxic_merges(bench, method):
    handle = bench.proxy(Toxic("latency", "upstream", {"latency": 1, "jitter": 2}, name="t"))
    body = {"ATTRIBUTES": {"Jitter": 3}, "toxicity": 0.5, "stream": "downstream", "name": "other"}
    assert request(bench.client, method, f"/proxies/{handle.name}/toxics/t", body).status == 200
    assert handle.toxics() == (Toxic("latency", "upstream", {"latency": 1, "jitter": 3}, 0.5, "t"),)


def test_a_partly_bad_update_is_refused_but_its_good_attributes_stay(bench):
    handle = bench.proxy(Toxic("latency", name="t"))
    body = {"attributes": {"latency": "x", "jitter": 6}, "toxicity": 0.5}
    assert request(bench.client, "POST", f"/proxies/{handle.name}/toxics/t", body).status == 400
    assert handle.toxics() == (Toxic("latency", attributes={"latency": 0, "jitter": 6}, name="t"),)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_an_unknown_toxic_is_not_found(bench, method):
    handle = bench.proxy()
    reply = request(bench.client, method, f"/proxies/{handle.name}/toxics/nope", {} if method[0] == "P" else None)
    assert reply.value == refusal("toxic not found", 404)


def test_counters_are_prometheus_text_with_these_labels(bench):
    wire = bench.wire()
    wire.client.sendall(b"12345")
    assert wire.server.recv(10) == b"12345"
    wire.client.close()
    assert read_to_end(wire.server) == b""
    wire.server.close()
    labels = f'direction="upstream",listener="{wire.proxy.listen}",proxy="{wire.proxy.name}"'
    line = f'toxiproxy_proxy_sent_bytes_total{{{labels},upstream="{wire.proxy.upstream}"}} 5\n'
    eventually(lambda: line in request(bench.client, "GET", "/metrics").text)
    assert "# TYPE toxiproxy_proxy_sent_bytes_total counter\n" in request(bench.client, "GET", "/metrics").text
