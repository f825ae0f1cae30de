"""What a client says while it waits for a trunk."""

import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest
import trustme

from splitlearn.client.refusals import explained
from splitlearn.client.waiting import Waiting
from splitlearn.config import TrainingConfig
from splitlearn.errors import TrunkUnavailableError
from splitlearn.runtime.simulated import ManualClock
from splitlearn.wire.errors import Reason, WireError
from splitlearn.wire.tls_probe import speaks_tls

REFUSED = WireError(
    Reason.TRANSPORT, "failed to connect to all addresses; last error: UNKNOWN: ipv6:%5B::1%5D:5: Connection refused"
)


def test_it_says_what_it_waits_for_and_for_how_long_but_not_every_time(caplog):
    clock = ManualClock(100.0)
    waiting = Waiting(TrainingConfig(trunk_address="127.0.0.1:1", tls_ca="ca.pem"), clock)
    for attempt in range(1, 23):
        waiting.note(REFUSED, attempt)
        clock.sleep(1.0)
    waiting.note(REFUSED, 1)

    assert [(1, 300), (6, 295), (11, 290), (16, 285), (21, 280)] == [record.args[2:] for record in caplog.records]
    assert "trunk at 127.0.0.1:1 cannot be reached: failed to connect" in caplog.messages[0]
    assert "retry 21, giving up in 280 s" in caplog.messages[-1]


@contextmanager
def listening(*, encrypted):
    """Listen at one of two addresses of a host; return the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with suppress(OSError):
                connection = server.accept()[0]
                connection.settimeout(20.0)
                if encrypted:
                    context.wrap_socket(connection, server_side=True).close()
                else:
                    connection.sendall(b"no TLS here")
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_a_plain_client_that_meets_tls_is_told_so():
    with listening(encrypted=True) as port:
        config = TrainingConfig(trunk_address=f"localhost:{port}")
        with pytest.raises(TrunkUnavailableError, match="the trunk speaks TLS: give --tls-ca"), explained(config):
            raise REFUSED


def test_what_speaks_no_tls_is_not_said_to():
    with listening(encrypted=False) as port:
        assert not speaks_tls(f"127.0.0.1:{port}")
    assert not speaks_tls("127.0.0.1:1")
    assert not speaks_tls("no.such.host.invalid:1")
