"""The adapter: the same calls on both servers, with errors that say what to do."""

import threading

import pytest
import toxiproxy
from proxy_wires import bench_on, eventually, read_exactly, reset
from toxiproxy.api import APIConsumer

from harness.proxy.client import Toxic
from harness.proxy.errors import (
    NoSuchProxyError,
    NoSuchToxicError,
    ProxyNameTakenError,
    ProxyRequestRefusedError,
    ServerUnreachableError,
)
from harness.proxy.server_process import find_backend, running_proxy_server


def test_a_handle_drives_its_proxy(bench):
    toxic = Toxic("latency", "upstream", {"latency": 1, "jitter": 0}, 0.5)
    handle = bench.proxy(toxic)
    assert handle.toxics() == (toxic,)
    handle.remove_toxic(toxic.name)
    assert handle.toxics() == ()
    handle.disable()
    handle.enable()
    bench.client.reset()
    handle.destroy()
    with pytest.raises(NoSuchProxyError, match="Create the proxy first"):
        handle.enable()


def test_a_name_that_needs_quoting_works(bench):
    handle = bench.proxy(Toxic("noop", name="a b%?#"), name="a proxy é?#%")
    handle.remove_toxic("a b%?#")
    assert handle.toxics() == ()
    handle.destroy()


def test_taken_names_are_typed_errors(bench):
    handle = bench.proxy(Toxic("noop"))
    with pytest.raises(ProxyNameTakenError, match="Choose another name"):
        handle.add_toxic(Toxic("noop"))
    with pytest.raises(ProxyNameTakenError, match="proxy already exists"):
        bench.client.create_proxy(handle.name, handle.upstream)


def test_refusals_are_typed_errors(bench):
    handle = bench.proxy()
    with pytest.raises(ProxyRequestRefusedError, match="invalid toxic type"):
        handle.add_toxic(Toxic("nope"))
    with pytest.raises(NoSuchToxicError, match="list them with toxics"):
        handle.remove_toxic("nope")
    with pytest.raises(ProxyRequestRefusedError, match=r"status 500: .*invalid port"):
        bench.client.create_proxy("unbound", "x:1", "127.0.0.1:99999")


def test_a_server_that_is_gone_is_a_typed_error(tmp_path):
    with running_proxy_server(find_backend("embedded"), seed=1, log_path=tmp_path / "log") as client:
        pass
    with pytest.raises(ServerUnreachableError, match="still running"):
        client.version()


def test_http_proxy_variables_are_ignored(client, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert client.version()


def test_two_clients_in_two_threads_do_not_disturb_each_other(embedded_client, tmp_path):
    def names(client, prefix, found):
        for number in range(20):
            handle = client.create_proxy(f"{prefix}{number}", "x:1")
            found.append(handle.toxics())
            handle.destroy()

    with running_proxy_server(find_backend("embedded"), seed=1, log_path=tmp_path / "log") as other:
        found = []
        threads = [threading.Thread(target=names, args=(client, "same", found)) for client in (embedded_client, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [()] * 40
    assert (APIConsumer.host, APIConsumer.port) == ("127.0.0.1", 8474)


def test_byte_counters_add_up_when_connections_end(bench):
    wire = bench.wire()
    wire.client.sendall(b"question")
    assert read_exactly(wire.server, 8) == b"question"
    wire.server.sendall(b"reply")
    assert read_exactly(wire.client, 5) == b"reply"
    wire.proxy.disable()
    counters = wire.proxy.byte_counters()
    assert (counters.upstream, counters.downstream) == (8, 5)


def test_what_was_taken_in_is_counted_when_the_receiver_is_gone(bench):
    """A peer's last message may come when the other is already gone; what passed before must still be counted."""
    wire = bench.wire(Toxic("latency", attributes={"latency": 200}))
    wire.client.sendall(b"question")
    assert read_exactly(wire.server, 8) == b"question"
    wire.server.sendall(b"reply")
    assert read_exactly(wire.client, 5) == b"reply"
    wire.server.sendall(b"last word")
    reset(wire.client)
    assert wire.server.recv(1) == b""
    eventually(lambda: wire.proxy.byte_counters().received_upstream == 8)
    eventually(lambda: wire.proxy.byte_counters().received_downstream >= len(b"reply"))


def test_the_library_itself_drives_both_servers(client, monkeypatch):
    monkeypatch.setattr(APIConsumer, "host", client.host)
    monkeypatch.setattr(APIConsumer, "port", client.port)
    server = toxiproxy.Toxiproxy()
    with bench_on(client) as bench:
        wire = bench.wire()
        proxy = server.get_proxy(wire.proxy.name)
        proxy.add_toxic(type="limit_data", attributes={"bytes": 2})
        assert proxy.get_toxic("limit_data_downstream").attributes == {"bytes": 2}
        wire.server.sendall(b"123")
        assert read_exactly(wire.client, 2) == b"12"
        assert proxy.destroy_toxic("limit_data_downstream")
        with proxy.down():
            assert not server.get_proxy(wire.proxy.name).enabled
        assert server.reset()
        assert server.version()
