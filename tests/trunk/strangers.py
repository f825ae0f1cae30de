"""A client of HTTP/2 that does only what it is told: it may never send a body, and never read an answer."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW = struct.pack(">HI", 4, 0)


def frame(kind, flags, stream, content=b""):
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def literal(name, value):
    """Code a header as a literal that is not indexed."""
    return b"\0" + b"".join(bytes([len(word)]) + word.encode() for word in (name, value))


HALF_SET_UP = PREFACE + frame(SETTINGS, 0, 0, INITIAL_WINDOW)
SET_UP = HALF_SET_UP + frame(SETTINGS, ACK, 0)


class Stranger:
    """One connection with a window of zero bytes: no message of an answer is ever taken."""

    def __init__(self, address, words=SET_UP):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.socket.sendall(words)
        self._stream = -1

    def ask(self, path, message=None, **headers):
        """Begin a request; without a message it never ends."""
        self._stream += 2
        fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "trunk", "te": "trailers"}
        fields |= {"content-type": "application/grpc", **headers}
        words = frame(HEADERS, END_HEADERS, self._stream, b"".join(literal(*field) for field in fields.items()))
        if message is not None:
            body = b"\0" + len(message).to_bytes(4, "big") + message
            words += frame(DATA, END_STREAM, self._stream, body)
        self.socket.sendall(words)

    def close(self):
        """Go away."""
        self.socket.close()
