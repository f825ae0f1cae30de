"""A peer that leaves with an unknown code, and with text that targets the terminal."""

import os
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from harness.fuzz.http2 import GOAWAY, SETTINGS, frame

SECONDS = 60
# The codes known to HTTP/2 end at 13; those that are not make some versions of gRPC abort the process.
CODES = (13, 14, 1 << 31)


class Leaving:
    """Sends GOAWAY on every connection, until it is stopped."""

    def __init__(self, code):
        self._goodbye = frame(GOAWAY, 0, 0, struct.pack(">II", 0, code) + b"\x1b[2J\x07words")
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._server.getsockname())
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection, suppress(OSError):
                    connection.recv(1 << 16)
                    connection.sendall(frame(SETTINGS, 0, 0))
                    connection.recv(1 << 16)  # a request is in flight
                    connection.sendall(self._goodbye)
                    while connection.recv(1 << 16):
                        pass

    def stop(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(SECONDS)


@pytest.mark.parametrize("code", CODES)
def test_the_program_lives_on_and_shows_no_words_of_the_peer_as_they_are(code):
    peer = Leaving(code)
    try:
        asked = subprocess.run(
            [sys.executable, "-m", "splitlearn", "health", "--trunk-address", peer.address, "--timeout", "1"],
            capture_output=True,
            timeout=SECONDS,
            env={name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"},
            check=False,
        )
    finally:
        peer.stop()

    assert 1 == asked.returncode, asked.stderr
    assert "does not serve" in asked.stderr.decode()
    assert all(line.isprintable() for line in asked.stderr.decode().splitlines())
