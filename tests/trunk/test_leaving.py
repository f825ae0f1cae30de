"""A client that leaves or falls silent gives up its place; one that is still there keeps it."""

from dataclasses import replace

import pytest
from client.runs import ScriptedTransport, direct, remote_trunk
from trunk.calling import opened, refusal
from trunk.server import hello_of, opening_of, service_of

from splitlearn.runtime.simulated import ManualClock
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.wire.errors import Reason, WireError


def test_a_reader_that_is_refused_ends_no_other(config):
    clock = ManualClock()
    service = service_of(config, clock=clock)
    readers = [
        service.open_session(opening_of(replace(hello_of(config), session_id=f"r{n}"), reader=True)).incarnation
        for n in range(16)
    ]
    for _ in range(40):
        clock.sleep(1.0)
        service.close_idle()
    one_more = opening_of(replace(hello_of(config), session_id="r16"), reader=True, resume_steps=[7])

    assert Reason.NO_CHECKPOINT is refusal(service.open_session, one_more).reason
    assert service._sessions.get("r0", readers[0])


def test_a_client_that_waits_for_its_trunk_is_alive(config):
    """The trunk stops, and is started again: nobody but its client opens the session, until that is silent for long."""
    clock = ManualClock()
    service = service_of(config)
    transport = direct(service)
    first = remote_trunk(transport, config)
    first.open(hello_of(config))
    service.stopping = True
    first.close()
    stranger = remote_trunk(direct(service), config)
    assert Reason.SESSION_HELD is refusal(stranger.open, hello_of(config)).reason

    transport.dispatch = Dispatch(service_of(config, boot=2, idle_timeout=40.0, clock=clock))
    stranger = remote_trunk(transport, config)
    assert Reason.SESSION_HELD is refusal(stranger.open, hello_of(config)).reason
    first.open(hello_of(config))
    restarted = service_of(config, boot=3, idle_timeout=40.0, clock=clock)
    transport.dispatch = Dispatch(restarted)
    for _ in range(50):
        clock.sleep(1.0)
        restarted.close_idle()
    stranger.open(hello_of(config))


@pytest.mark.parametrize("end", ["close", "leave", "silence"])
def test_a_client_that_does_not_come_back_is_not_waited_for(config, end):
    clock = ManualClock()
    service = service_of(config, clock=clock)
    transport = direct(service)
    first, second = (remote_trunk(transport, config) for _ in range(2))
    first.open(hello_of(config))
    if end == "close":
        first.close()
    elif end == "leave":
        first.leave(saved=False)
    while service.training_sessions:
        clock.sleep(5.0)
        service.close_idle()
    transport.dispatch = Dispatch(service_of(config, boot=2))

    second.open(hello_of(config))


@pytest.mark.parametrize("saved", [True, False])
def test_a_client_that_leaves_by_an_error_gives_its_place_back(config, saved):
    """What the trunk has saved of a run of which its client has saved nothing goes."""
    service = service_of(config)
    link = remote_trunk(direct(service), config)
    link.open(hello_of(config))
    link.save(0, None)
    link.leave(saved=saved)

    assert "default" not in service._sessions
    assert saved == bool(list(config.save_dir.rglob("step-*")))


def test_a_client_that_leaves_insists_on_nothing(config):
    link = remote_trunk(direct(service_of(config)), config)
    link.open(hello_of(config))
    link._calls.transport = ScriptedTransport(None, lambda *_: WireError(Reason.TRANSPORT, "gone"))
    link.leave(saved=True)


def test_a_client_that_computes_for_long_says_that_it_is_there(config):
    clock = ManualClock()
    service = service_of(config, idle_timeout=40.0, clock=clock)
    link = remote_trunk(direct(service), config)
    link._calls.clock = clock
    link.beat()
    link.open(hello_of(config))
    for _ in range(200):
        clock.sleep(1.0)
        link.beat()
        service.close_idle()
    assert "default" in service._sessions

    link.close()
    clock.sleep(100.0)
    link.beat()
    assert "default" not in service._sessions


def test_a_silent_clients_place_is_given_up(config, caplog):
    clock = ManualClock()
    service = service_of(config, idle_timeout=60.0, clock=clock)
    opened(service, config)
    other = replace(hello_of(config), session_id="other")
    assert Reason.TOO_MANY_SESSIONS is refusal(service.open_session, opening_of(other)).reason

    clock.sleep(1000.0)
    service.close_idle()
    assert "default" in service._sessions, "a trunk that computed all the while has heard nobody"
    for _ in range(61):
        clock.sleep(1.0)
        service.close_idle()
    assert "default" not in service._sessions
    assert "session default: its client has not been heard of" in caplog.text
    service.open_session(opening_of(other))
