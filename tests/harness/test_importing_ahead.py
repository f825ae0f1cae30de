"""The process from which others are forked, while it imports what they need."""

import os
import subprocess
import sys

# As Ctrl-C in a terminal does, which every process of the command gets.
INTERRUPTED = """
import os, signal, sys
os.kill(os.getpid(), signal.SIGINT)
sys.interrupted = os.getpid()
"""
STARTING = """
import os, signal, sys
from concurrent.futures import ProcessPoolExecutor
from harness.processes.forked import FORKED, import_ahead

def parent_and_interrupted():
    return os.getppid(), sys.interrupted

if __name__ == "__main__":
    import_ahead("interrupted")
    with ProcessPoolExecutor(1, FORKED) as pool:
        parent, interrupted = pool.submit(parent_and_interrupted).result()
    print(parent == interrupted, signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def test_an_interruption_while_it_imports_is_left_to_the_command(tmp_path):
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    (tmp_path / "starting.py").write_text(STARTING)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, str(tmp_path / "starting.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)

    assert done.stderr == ""
    assert done.stdout == "True set()\n"
