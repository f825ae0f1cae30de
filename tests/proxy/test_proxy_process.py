"""Finding a server, starting it, and leaving nothing behind."""

import argparse
import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
from proxy_wires import DEADLINE_S, eventually

from harness import launcher
from harness.launcher import launched
from harness.proxy import backend as backend_module
from harness.proxy import cli, server_process
from harness.proxy.errors import BackendNotFoundError, ServerDidNotStartError
from harness.proxy.server_process import ProxyBackend, find_backend, running_proxy_server

SERVE = [sys.executable, "-m", "harness.proxy.embedded", "--seed", "3"]


@pytest.fixture
def bare_machine(monkeypatch, tmp_path):
    """Hide every real server; return the empty folder that stands for the repository."""
    monkeypatch.delenv("TOXIPROXY_SERVER", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(backend_module, "_ROOT", tmp_path)
    return tmp_path


def program(path, text="#!/bin/sh\n# github.com/Shopify/toxiproxy/v2\tv2.12.0\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("bare_machine")
def test_the_embedded_server_is_found_where_there_is_no_other():
    assert find_backend().kind == "embedded"
    with pytest.raises(BackendNotFoundError, match="set TOXIPROXY_SERVER to its path"):
        find_backend("real")


def test_the_real_server_is_looked_for_in_order(bare_machine, monkeypatch):
    on_path = program(bare_machine / "path" / "toxiproxy-server")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_backend() == ProxyBackend("real", "2.12.0", (str(on_path),))
    own = program(bare_machine / ".tools" / "bin" / "toxiproxy-server")
    assert find_backend().command == (str(own),)
    named = program(bare_machine / "elsewhere", "no version")
    monkeypatch.setenv("TOXIPROXY_SERVER", str(named))
    assert find_backend() == ProxyBackend("real", "unknown", (str(named),))
    assert find_backend("embedded").kind == "embedded"


@pytest.mark.usefixtures("bare_machine")
def test_a_variable_that_names_no_program_is_an_error_not_a_fallback(monkeypatch):
    monkeypatch.setenv("TOXIPROXY_SERVER", "/nowhere")
    with pytest.raises(BackendNotFoundError, match="correct it or unset it"):
        find_backend()


def test_each_kind_has_its_own_flags():
    real = ProxyBackend("real", "1", ("server",)).argv("h", 1, 2)
    embedded = ProxyBackend("embedded", "1", ("server",)).argv("h", 1, 2)
    assert real == ["server", "-host", "h", "-port", "1", "-seed", "2", "-proxy-metrics"]
    assert embedded == ["server", "--host", "h", "--port", "1", "--seed", "2"]


@pytest.mark.parametrize("kind", ["embedded", "real"])
def test_a_port_that_someone_took_first_is_left_for_another(kind, client, tmp_path, monkeypatch):
    """The fixture's server answers /version on its port: it must not be mistaken for the new one."""
    try:
        found = find_backend(kind)
    except BackendNotFoundError as error:
        pytest.skip(f"the real server's arm did not run: {error}")
    free = server_process._free_port()
    ports = iter([client.port, free])
    monkeypatch.setattr(server_process, "_free_port", lambda: next(ports))
    with running_proxy_server(found, seed=1, log_path=tmp_path / "log") as started:
        assert started.port == free
        assert started.version()


def test_a_server_that_cannot_start_says_where_its_output_is(tmp_path):
    broken = ProxyBackend("embedded", "1", (sys.executable, "-c", "raise SystemExit('broken')"))
    with (
        pytest.raises(ServerDidNotStartError, match="its output is in"),
        running_proxy_server(broken, seed=1, log_path=tmp_path / "log"),
    ):
        pass
    assert "broken" in (tmp_path / "log").read_text()


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_child_does_not_outlive_a_killed_parent():
    parent_program = (
        "import subprocess, sys; from harness.launcher import launched\n"
        "child = subprocess.Popen(launched(['sleep', '600']))\n"
        "print(child.pid, flush=True); child.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", parent_program], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        eventually(lambda: psutil.Process(child).name() == "sleep")
        parent.kill()
    eventually(lambda: not is_running(child))


def test_the_program_keeps_the_launchers_process_id():
    with subprocess.Popen(launched(["sh", "-c", "echo $$"]), stdout=subprocess.PIPE, text=True) as child:
        assert int(child.stdout.read()) == child.pid


def test_a_child_whose_parent_is_already_gone_does_not_begin():
    argv = launched(["echo", "began"])
    argv[argv.index(str(os.getpid()))] = "1"
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the parent ended" in done.stderr


def test_a_program_that_does_not_exist_is_named():
    done = subprocess.run(launched(["/no/such/program"]), capture_output=True, text=True, check=False)
    assert (done.returncode, "/no/such/program" in done.stderr) == (127, True)


def test_the_launcher_imports_nothing_heavy():
    program = f"import sys, runpy; runpy.run_path({launcher.__file__!r}); print(len(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_told_to_stop(tmp_path, number):
    report = tmp_path / "report.json"
    argv = launched([*SERVE, "--port", "0", "--json", str(report)])
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().removeprefix("listening on ").strip()
        server.send_signal(number)
        assert server.wait(DEADLINE_S) == 0
    written = json.loads(report.read_text())
    assert (written["verdict"], written["listening"], written["seed"]) == ("PASS", address, 3)


def test_the_command_names_a_taken_port_and_exits_with_2(tmp_path, embedded_client):
    report = tmp_path / "report.json"
    argv = [*SERVE, "--port", str(embedded_client.port), "--json", str(report)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert done.returncode == 2
    assert "address already in use. Choose another --port" in done.stderr
    assert json.loads(report.read_text())["verdict"] == "VOID"


def test_the_parser_leads_to_the_command():
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["proxy", "--port", "0"])
    assert (arguments.run, arguments.host, arguments.port) == (cli.run, "127.0.0.1", 0)
