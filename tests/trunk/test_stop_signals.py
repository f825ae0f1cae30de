"""A signal ends the trunk's waiting, at whatever instruction it arrives."""

import subprocess
import sys

import pytest

# A tracer in the main thread raises the signal at one line after the other of the wait and of what it calls in Python.
PROGRAM = """
import signal, sys
from splitlearn.trunk import stopping

stopping.LOOK_SECONDS = 0.001

def waits_with_a_signal_at(wanted, number):
    stop, lines = stopping.StopSignal(), 0

    def traced(frame, event, _):
        nonlocal lines
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_code.co_name != "_stop":
            lines += 1
            if lines == wanted:
                signal.raise_signal(number)
        return traced

    sys.settrace(traced)
    name = stop.wait()
    sys.settrace(None)
    assert name == number.name, name

for wanted in range(1, 100):
    for number in (signal.SIGTERM, signal.SIGINT):
        waits_with_a_signal_at(wanted, number)
    print(wanted, flush=True)
"""
SECONDS = 60.0


def test_a_signal_at_any_instruction_of_the_wait_ends_it():
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"it hangs if the signal comes after these many instructions: {(late.stdout or b'').split()[-1:]}")
    assert (done.returncode, done.stdout.split()[-1:]) == (0, ["99"]), done.stderr
