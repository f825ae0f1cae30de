"""A program that ends, or does not, in whichever way a test asks for."""

import os
import signal
import socket
import sys


def main(argv):
    """Do one of the acts below."""
    act, *values = argv
    return ACTS[act](*values)


def exit_with(status):
    return int(status)


def say(count):
    for number in range(int(count)):
        print(f"line {number}")
    print("to standard error", file=sys.stderr)
    return 3


def show(*variables):
    for name in variables:
        print(f"{name} is {os.environ.get(name)}")
    return 0


def leave(*words):
    sys.exit(*words)


def fail():
    raise ValueError("this is the reason")


def kill_itself(name):
    os.kill(os.getpid(), signal.Signals[name])


def linger(path):
    """Connect to a socket, so that the other side sees this process begin and end, and stay."""
    with socket.socket(socket.AF_UNIX) as meeting:
        meeting.connect(path)
        meeting.sendall(b"here\n")
        while True:
            signal.pause()


def ignore_sigterm(path):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    linger(path)


ACTS = {
    "exit": exit_with,
    "say": say,
    "show": show,
    "leave": leave,
    "fail": fail,
    "kill": kill_itself,
    "linger": linger,
    "ignore-sigterm": ignore_sigterm,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
