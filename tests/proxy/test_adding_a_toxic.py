"""The guide's steps, done as a reader would do them, in a copy of the package."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from proxy_wires import bench_on, read_exactly, request

import harness.proxy
from harness.launcher import launched
from harness.proxy.client import Toxic, ToxiproxyClient

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "adding-a-toxic.md").read_text()


def package_with_the_new_file(folder):
    package = folder / "harness"
    shutil.copytree(Path(harness.proxy.__file__).parent, package / "proxy")
    (package / "__init__.py").touch()
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    (path,) = re.findall(r"Save this as `(.*?)`", GUIDE)
    (folder / path).write_text(code)
    return folder


def test_the_guide_makes_a_toxic_that_works_over_http(tmp_path):
    argv = [sys.executable, "-m", "harness.proxy.embedded", "--port", "0", "--seed", "1"]
    with subprocess.Popen(
        launched(argv), cwd=package_with_the_new_file(tmp_path), stdout=subprocess.PIPE, text=True
    ) as server:
        client = ToxiproxyClient("127.0.0.1", int(server.stdout.readline().rpartition(":")[2]))
        with bench_on(client) as bench:
            wire = bench.wire(Toxic("corrupt", attributes={"percent": 100}))
            wire.server.sendall(b"\x00whole")
            assert read_exactly(wire.client, 6) == b"\xffwhole"
            body = {"type": "corrupt", "name": "more", "attributes": {"percent": 101}}
            assert request(client, "POST", f"/proxies/{wire.proxy.name}/toxics", body).status == 400
        server.send_signal(signal.SIGTERM)
        assert server.wait(15) == 0
