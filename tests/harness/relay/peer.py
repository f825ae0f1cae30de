"""A server of any method behind a relay, and calls to it."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.status import status_of, wire_error

SECONDS = 30
SERVICE = "/splitlearn.wire.ComputeService/"
REFUSAL = WireError(Reason.STEP_IN_PAST, "step 3; the trunk has applied 4", details={"applied": "4"})


class Peer(grpc.GenericRpcHandler):
    """A server of any method, bytes in and bytes out, that does what a test asks for."""

    def __init__(self, address="127.0.0.1:0"):
        self.received = queue.Queue()
        self.given_up = threading.Event()
        self.answer = lambda body, _context: iter([body])
        self._threads = ThreadPoolExecutor(8)
        sizes = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
        self._server = grpc.server(self._threads, [self], options=sizes)
        self.address = f"127.0.0.1:{self._server.add_insecure_port(address)}"
        self._server.start()

    def service(self, details):
        def behavior(body, context):
            context.add_callback(self.given_up.set)
            self.received.put((details.method, body, dict(details.invocation_metadata), context.time_remaining()))
            yield from self.answer(body, context)

        return grpc.unary_stream_rpc_method_handler(behavior)

    def next_body(self):
        return self.received.get(timeout=SECONDS)[1]

    def stop(self):
        self._server.stop(None).wait(SECONDS)
        self._threads.shutdown()


def ask(channel, method, body=b"x", timeout=SECONDS, metadata=()):
    """Send a request with one reply."""
    return channel.unary_unary(SERVICE + method).future(body, timeout=timeout, metadata=metadata)


def stream(channel, method, body=b"x"):
    """Send a request with many replies."""
    return channel.unary_stream(SERVICE + method)(body, timeout=SECONDS)


def assert_unavailable(call):
    """Check that a call failed as one does whose connection is gone."""
    error = wire_error(call, encrypted=False)
    assert (Code.UNAVAILABLE, Reason.TRANSPORT) == (error.code, error.reason)


def refusing(_body, context):
    """Answer with `REFUSAL`."""
    context.abort_with_status(status_of(REFUSAL))
    yield


def ended(call):
    """Wait for the end of a call that must fail."""
    with pytest.raises(grpc.RpcError):
        call.result(SECONDS)
    return call
