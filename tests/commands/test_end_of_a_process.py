"""How `splitlearn` ends as a separate process."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from splitlearn import cli

def main():
    if busy:
        threading.Thread(target=threading.Event().wait).start()  # as gRPC's own threads, in the middle of something
    print("said", end="")
    return status

busy, status = {busy}, {status}
cli.main = main
cli.program()
"""


@pytest.mark.parametrize(("busy", "status"), [(False, 0), (False, 2), (True, 130), (True, 143)])
def test_an_interrupted_process_waits_for_no_thread_and_what_it_said_is_read(busy, status):
    words = [sys.executable, "-c", PROGRAM.format(busy=busy, status=status)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert (status, "said") == (ended.returncode, ended.stdout)
