"""An observer holds a process at a point, once for each hold, until it is released or the observer closes."""

import json
import socket
import threading

from observed import COMMIT, DEADLINE, FORWARD, must_end, passing

from harness.trace.place import At


def test_a_process_stays_at_the_point_until_it_is_released(observe, connect_probe):
    observer = observe(At(FORWARD, 2, 1))
    probe = connect_probe(observer)
    probe.point(FORWARD, 2, 0)
    thread = passing(probe, FORWARD, 2, 1)
    event = observer.wait_for(At(FORWARD, 2, 1), DEADLINE)
    probe.point(COMMIT, 2)
    observer.wait_for(At(COMMIT), DEADLINE)
    assert thread.is_alive()
    event.release()
    must_end(thread)


def test_it_is_held_once(observe, connect_probe):
    observer = observe(At(FORWARD))
    probe = connect_probe(observer)
    thread = passing(probe, FORWARD, 0, 0)
    observer.wait_for(At(FORWARD), DEADLINE).release()
    must_end(thread)
    must_end(passing(probe, FORWARD, 0, 0))
    observer.wait_for(At(FORWARD), DEADLINE, after=0)
    assert [True, False] == [event.release is not None for event in observer.events]


def test_as_often_as_there_are_holds(observe, connect_probe):
    observer = observe(At(FORWARD, 1), At(FORWARD, 1))
    probe = connect_probe(observer)
    for number in range(2):
        thread = passing(probe, FORWARD, 1)
        observer.wait_for(At(FORWARD), DEADLINE, after=number - 1).release()
        must_end(thread)
    must_end(passing(probe, FORWARD, 1))


def test_another_process_passes(observe, connect_probe):
    observer = observe(At("trunk.compute.received"))
    must_end(passing(connect_probe(observer), FORWARD, 0, 0))


def test_a_process_that_starts_anew_is_not_held_again(observe, connect_probe):
    observer = observe(At(FORWARD))
    held = passing(connect_probe(observer), FORWARD, 0, 0)
    event = observer.wait_for(At(FORWARD), DEADLINE)
    must_end(passing(connect_probe(observer), FORWARD, 0, 0))
    assert held.is_alive()
    event.release()
    must_end(held)


def test_of_two_processes_that_know_of_one_hold_the_first_is_held(observe, connect_probe):
    observer = observe(At(FORWARD))
    first, second = (connect_probe(observer) for _ in range(2))
    held = passing(first, FORWARD, 0, 0)
    event = observer.wait_for(At(FORWARD), DEADLINE)
    must_end(passing(second, FORWARD, 1, 0))
    assert (True, None) == (held.is_alive(), observer.wait_for(At(FORWARD, 1), DEADLINE).release)
    event.release()
    must_end(held)


def test_releasing_a_process_that_died_does_nothing(observe):
    observer = observe(At(FORWARD))
    with socket.socket(socket.AF_UNIX) as process:
        process.connect(str(observer.path))
        process.sendall(b'{"hello": "client"}\n')
        process.recv(100)
        line = {"ns": 1, "source": "client", "point": FORWARD, "step": 0, "microbatch": 0, "held": 0}
        process.sendall(json.dumps(line).encode() + b"\n")
        event = observer.wait_for(At(FORWARD), DEADLINE)
    event.release()
    event.release()


def test_an_observer_that_closes_releases_whom_it_held(observe, connect_probe):
    observer = observe(At(FORWARD))
    with observer:
        thread = passing(connect_probe(observer), FORWARD, 0, 0)
        observer.wait_for(At(FORWARD), DEADLINE)
        assert thread.is_alive()
    must_end(thread)


def test_an_observer_that_closes_leaves_no_thread_and_no_file(observe, connect_probe):
    observer = observe()
    with observer:
        connect_probe(observer).point(COMMIT, 0)
        observer.wait_for(At(COMMIT), DEADLINE)
    assert not observer.path.parent.exists()
    assert [] == [
        thread.name for thread in threading.enumerate() if thread.name in ("observer", "observed", "delivery")
    ]
