"""The observer, over its real socket: it hears in order, delivers, waits, and survives processes that die."""

import json
import socket
import sys
import threading

import pytest
from observed import COMMIT, DEADLINE, FORWARD, must_end, passing, places

from harness.errors import HarnessError, TimedOutError
from harness.trace.place import At


class TestHearing:
    def test_points_come_in_order_with_all_their_fields(self, observe, connect_probe):
        observer = observe()
        probe = connect_probe(observer)
        probe.point(FORWARD, 0, 1)
        probe.point("client.call.failed", method="Compute", attempt=1)
        event = observer.wait_for(At("client.call.failed"), DEADLINE)
        assert [(FORWARD, 0, 1), ("client.call.failed", None, None)] == places(observer)
        assert {"method": "Compute", "attempt": 1} == event.fields
        assert ("client", 1, None) == (event.source, event.number, event.release)
        assert 0 <= observer.events[0].t <= event.t

    def test_a_trace_line_has_the_place_and_the_fields(self, observe):
        event = observe().note("proxy", "proxy.disabled", because="a test")
        shown = event.as_json()
        assert shown.pop("t") >= 0
        assert {
            "source": "proxy",
            "point": "proxy.disabled",
            "step": None,
            "microbatch": None,
            "because": "a test",
        } == json.loads(json.dumps(shown))

    def test_many_processes_are_told_one_after_another_in_the_order_of_their_numbers(self, observe, connect_probe):
        told = []
        observer = observe(on_event=told.append)
        probes = [connect_probe(observer) for _ in range(4)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            threads = [
                threading.Thread(target=lambda p=probe: [p.point(FORWARD, n) for n in range(100)]) for probe in probes
            ]
            for thread in threads:
                thread.start()
            for number in range(100):
                observer.note("harness", "mark", number=number)
            for thread in threads:
                must_end(thread)
            observer.wait_for(At(FORWARD), DEADLINE, after=498)
        finally:
            sys.setswitchinterval(interval)
        observer.__exit__(None, None, None)
        assert list(range(500)) == [event.number for event in told]
        assert told == observer.events

    def test_a_process_that_dies_in_the_middle_of_a_line_leaves_what_it_said_before(self, observe, connect_probe):
        observer = observe()
        with socket.socket(socket.AF_UNIX) as process:
            process.connect(str(observer.path))
            process.sendall(b'{"hello": "client"}\n')
            assert {"holds": []} == json.loads(process.recv(100))
            line = json.dumps({"ns": 1, "source": "client", "point": FORWARD, "step": 0, "microbatch": 0})
            process.sendall(line.encode() + b"\n" + line[:30].encode())
        connect_probe(observer).point(COMMIT, 0)
        observer.wait_for(At(FORWARD), DEADLINE)
        observer.wait_for(At(COMMIT), DEADLINE)
        assert {(FORWARD, 0, 0), (COMMIT, 0, None)} == {*places(observer)}

    def test_a_process_that_dies_before_it_says_who_it_is_disturbs_nobody(self, observe, connect_probe):
        observer = observe()
        with socket.socket(socket.AF_UNIX) as process:
            process.connect(str(observer.path))
        connect_probe(observer).point(COMMIT, 0)
        observer.wait_for(At(COMMIT), DEADLINE)
        assert 1 == len(observer.events)


class TestParties:
    """Two processes of one role: the first is called as the role is."""

    def test_an_event_is_its_partys_and_a_place_that_of_the_first(self, observe, connect_probe):
        heard = threading.Event()
        observer = observe(on_event=lambda _event: heard.set())
        first, second = connect_probe(observer), connect_probe(observer, party="client-2")
        second.point(FORWARD, 0, 0)
        assert heard.wait(DEADLINE)
        first.point(FORWARD, 0, 0)
        assert "client" == observer.wait_for(At(FORWARD), DEADLINE).party
        assert {"client", "client-2"} == {event.party for event in observer.events}
        assert {"client"} == {event.source for event in observer.events}
        assert {"client", "client-2"} == {event.as_json()["party"] for event in observer.events}

    def test_only_the_first_is_held(self, observe, connect_probe):
        observer = observe(At(FORWARD))
        must_end(passing(connect_probe(observer, party="client-2"), FORWARD, 0, 0))
        thread = passing(connect_probe(observer), FORWARD, 0, 0)
        event = observer.wait_for(At(FORWARD), DEADLINE)
        assert event.release is not None
        event.release()
        must_end(thread)

    def test_an_event_of_the_harness_can_be_waited_for_by_its_party(self, observe):
        observer = observe()
        observer.note("harness", "process.killed", party="client")
        killed = observer.note("harness", "process.killed", party="trunk", life=2)
        place = At("process.killed")
        assert killed == observer.wait_for(place, 0, fields={"party": "trunk", "life": 2})
        assert "party" not in observer.note("harness", "fault.injected").as_json()


class TestDelivery:
    """A sink that takes its time, as a disk or a terminal may."""

    def test_while_an_event_is_written_others_are_heard_and_waited_for(self, observe, connect_probe):
        writing, go_on, written = threading.Event(), threading.Event(), []

        def write(event):
            writing.set()
            assert go_on.wait(DEADLINE)
            written.append(event)

        observer = observe(on_event=write)
        first, second = connect_probe(observer), connect_probe(observer)
        try:
            first.point(FORWARD, 0, 0)
            assert writing.wait(DEADLINE)
            second.point(COMMIT, 0)
            heard = observer.wait_for(At(COMMIT), DEADLINE)
            noted = observer.note("harness", "mark")
            assert (1, 2, []) == (heard.number, noted.number, written)
        finally:
            go_on.set()
        observer.__exit__(None, None, None)
        assert observer.events == written
        assert 3 == len(written)

    def test_a_held_process_waits_until_its_event_has_been_acted_on(self, observe, connect_probe):
        acted, go_on = [], threading.Event()

        def act(event):
            assert go_on.wait(DEADLINE)
            acted.append(event.point)
            if event.release:
                event.release()

        observer = observe(At(FORWARD), on_event=act)
        probe = connect_probe(observer)
        probe.point(COMMIT, 0)
        thread = passing(probe, FORWARD, 1, 0)
        observer.wait_for(At(FORWARD), DEADLINE)
        assert thread.is_alive()
        go_on.set()
        must_end(thread)
        assert [COMMIT, FORWARD] == acted

    def test_a_sink_that_fails_releases_whom_it_held_and_is_told_at_the_end(self, observe, connect_probe):
        def fail(_event):
            raise OSError("no space left")

        observer = observe(At(FORWARD), on_event=fail)
        must_end(passing(connect_probe(observer), FORWARD, 0, 0))
        with pytest.raises(OSError, match="no space left"):
            observer.__exit__(None, None, None)

    def test_a_sink_that_never_returns_is_not_waited_for_without_end(self, observe):
        go_on = threading.Event()
        observer = observe(on_event=lambda _event: go_on.wait(DEADLINE), delivery_timeout=0)
        observer.note("harness", "mark")
        try:
            with pytest.raises(TimedOutError, match="not written within 0 s"):
                observer.__exit__(None, None, None)
        finally:
            go_on.set()


class TestWaiting:
    def test_events_up_to_the_given_number_do_not_count(self, observe):
        observer = observe()
        first, second = observer.note("harness", "again"), observer.note("harness", "again")
        assert first == observer.wait_for(At("again"), 0)
        assert second == observer.wait_for(At("again"), 0, after=first.number)

    def test_what_does_not_come_ends_at_the_deadline_with_its_place(self, observe):
        with pytest.raises(
            TimedOutError, match=r"^client.forward.sent of step 3, microbatch 1 did not come within 0 s"
        ):
            observe().wait_for(At(FORWARD, 3, 1), 0)
        with pytest.raises(TimedOutError, match=r"^trunk.server.ready did not come"):
            observe().wait_for(At("trunk.server.ready"), 0)

    def test_meanwhile_may_end_the_wait(self, observe):
        def give_up():
            raise HarnessError("the program ended")

        with pytest.raises(HarnessError, match="the program ended"):
            observe().wait_for(At(FORWARD), DEADLINE, meanwhile=give_up)

    def test_what_has_come_counts_though_meanwhile_would_raise(self, observe):
        def give_up():
            raise AssertionError("there was no need to ask")

        observer = observe()
        event = observer.note("harness", "here")
        assert event == observer.wait_for(At("here"), DEADLINE, meanwhile=give_up)


@pytest.mark.parametrize(
    ("at", "text", "source"),
    [
        (At("client.forward.sent"), "client.forward.sent", "client"),
        (At("trunk.commit.applied", 3), "trunk.commit.applied of step 3", "trunk"),
        (At("client.forward.sent", 0, 0), "client.forward.sent of step 0, microbatch 0", "client"),
    ],
)
def test_a_place_reads_as_words(at, text, source):
    assert (text, source) == (str(at), at.source)
