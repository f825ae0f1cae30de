"""A separate harness: starts what the arguments say, reports that, and stays until it is killed.

`cold SOCKET`, `warm SOCKET` or `proxy LOG`; the proxy's port goes to standard output.
"""

import signal
import sys
from pathlib import Path

from harness.processes import starters as processes
from harness.processes.starters import ColdStarter, WarmStarter
from harness.proxy.server_process import find_backend, running_proxy_server

FORK_SERVER = Path(__file__).with_name("fork_server.py")


def start_cold(path):
    processes.MODULES["acting"] = "acting"
    with ColdStarter() as starter:
        starter.start("lingering", "acting", ["linger", path], Path(path + ".log"))
        signal.pause()


def start_warm(path):
    with WarmStarter((str(FORK_SERVER), "--bare")) as starter:
        starter.start("lingering", "acting", ["linger", path], Path(path + ".log"))
        signal.pause()


def start_proxy(path):
    with running_proxy_server(find_backend("embedded"), seed=0, log_path=Path(path)) as client:
        print(client.port, flush=True)
        signal.pause()


if __name__ == "__main__":
    {"cold": start_cold, "warm": start_warm, "proxy": start_proxy}[sys.argv[1]](sys.argv[2])
