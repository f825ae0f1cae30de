"""The guide's toxic, in a file of one's own, works in a server that is told of the file."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from proxy_wires import bench_on, read_exactly, request

from harness.cli import main
from harness.errors import UnusableError
from harness.launcher import launched
from harness.plan.user_module import import_file
from harness.proxy.client import Toxic, ToxiproxyClient
from harness.proxy.embedded.toxics import register_toxic, toxic
from harness.proxy.errors import ProxyRequestRefusedError
from harness.proxy.own_toxics import files_of_own_toxics
from harness.proxy.server_process import find_backend, running_proxy_server

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "adding-a-toxic.md").read_text()
CORRUPT = Toxic("corrupt", attributes={"percent": 100})


@pytest.fixture
def file(tmp_path):
    """The file that the guide has one save first."""
    (name, code), *_ = re.findall(r"save this as\s`(.*?)`.*?```python\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / name).write_text(code)
    return tmp_path / name


@pytest.fixture
def imported(file, monkeypatch):
    """The file, imported as a user's module is."""
    monkeypatch.setattr(toxic, "_types", dict(toxic._types))
    monkeypatch.setitem(sys.modules, file.stem, None)  # so that it is gone afterwards
    import_file(file, file.stem)
    return file


def damages(bench):
    wire = bench.wire(CORRUPT)
    wire.server.sendall(b"\x00whole")
    return read_exactly(wire.client, 6) == b"\xffwhole"


def test_the_guides_toxic_works_over_http(file):
    argv = [sys.executable, "-m", "harness", "proxy", "--port", "0", "--seed", "1", "--toxics", str(file)]
    with subprocess.Popen(launched(argv), stdout=subprocess.PIPE, text=True) as server:
        try:
            client = ToxiproxyClient("127.0.0.1", int(server.stdout.readline().rpartition(":")[2]))
            with bench_on(client) as bench:
                assert damages(bench)
                body = {"type": "corrupt", "name": "more", "attributes": {"percent": 101}}
                assert request(client, "POST", f"/proxies/{bench.proxy().name}/toxics", body).status == 400
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(15) == 0


def test_what_has_been_imported_is_in_every_embedded_server_that_is_started(imported, tmp_path):
    assert {"corrupt": str(imported)} == files_of_own_toxics()
    server = running_proxy_server(find_backend("embedded"), seed=1, log_path=tmp_path / "log")
    with server as client, bench_on(client) as bench:
        assert damages(bench)


def test_what_has_not_been_is_refused_with_what_to_do(tmp_path):
    server = running_proxy_server(find_backend("embedded"), seed=1, log_path=tmp_path / "log")
    refused = pytest.raises(ProxyRequestRefusedError, match="imported before the run begins")
    with server as client, bench_on(client) as bench, refused:
        bench.wire(CORRUPT)


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["proxy", "--toxics", str(tmp_path / "gone.py")])
    assert f"argument --toxics: there is no file {tmp_path / 'gone.py'}" in capsys.readouterr().err


def test_a_file_without_a_modules_name_is_wrong_usage(tmp_path, capsys):
    file = tmp_path / "my-toxics.py"
    file.touch()
    with pytest.raises(SystemExit, match="2"):
        main(["proxy", "--toxics", str(file)])
    assert f"my-toxics.py has no module's name; rename it, or give MODULE={file}" in capsys.readouterr().err


def test_a_file_that_raises_is_told_with_its_line(tmp_path):
    (tmp_path / "broken.py").write_text("\n1 / 0\n")
    argv = [sys.executable, "-m", "harness", "proxy", "--port", "0", "--toxics", str(tmp_path / "broken.py")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert (2, True) == (done.returncode, "line 2: ZeroDivisionError" in done.stderr)


def test_a_type_that_another_module_has_is_refused_with_both_modules(monkeypatch):
    monkeypatch.setattr(toxic, "_types", dict(toxic._types))
    mine = type("Mine", (toxic.EmbeddedToxic,), {"type": "latency", "__module__": "mine"})
    with pytest.raises(UnusableError, match=r"toxics\.latency and mine both have a toxic 'latency'"):
        register_toxic(mine)
