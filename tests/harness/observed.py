"""Processes that an observer hears, as threads of the test."""

import threading

DEADLINE = 30.0
FORWARD, COMMIT = "client.forward.sent", "client.commit.decided"


def passing(probe, *place):
    """Pass a point in another thread, as a process would; the thread ends when the point lets go."""
    thread = threading.Thread(target=probe.point, args=place, daemon=True)
    thread.start()
    return thread


def must_end(thread):
    thread.join(DEADLINE)
    assert not thread.is_alive(), "the process is still held"


def places(observer):
    return [(event.point, event.step, event.microbatch) for event in observer.events]
