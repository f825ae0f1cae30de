"""A trunk that is told to stop, and its clients."""

import pytest
from trunk.server import hello_of, opening_of, service_of

from splitlearn.runtime.simulated import ManualClock
from splitlearn.trunk.stopping import let_clients_save
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.errors import Code, Reason, WireError


def opened(service, config, **more):
    return service.open_session(opening_of(hello_of(config), **more)).incarnation


def state_of(service, incarnation):
    return service.sync_training_state(
        pb.SyncTrainingStateRequest(key=pb.Key(session_id="default", incarnation=incarnation))
    )


@pytest.mark.parametrize(("repeated", "grace"), [(False, 0.0), (True, 1e6)], ids=["grace", "second signal"])
def test_clients_that_do_not_save_are_waited_for_within_the_grace_and_to_a_second_signal(
    config, repeated, grace, caplog
):
    service = service_of(config)
    opened(service, config)
    let_clients_save(service, lambda: repeated, grace, ManualClock())

    assert "stopping though these have not saved: default" in caplog.text


def test_readers_are_not_waited_for(config, caplog):
    service = service_of(config)
    opened(service, config, reader=True)
    let_clients_save(service, lambda: False, 1e6, ManualClock())

    assert caplog.text == ""


def test_clients_are_told_and_nobody_opens_any_more(config):
    service = service_of(config)
    incarnation = opened(service, config)
    assert not state_of(service, incarnation).stopping
    service.stopping = True

    assert state_of(service, incarnation).stopping
    assert opened(service, config) == incarnation  # the same request again
    for reader in (True, False):
        with pytest.raises(WireError, match="about to end") as caught:
            service.open_session(
                opening_of(hello_of(config, session="another"), client="another client", reader=reader)
            )
        assert (caught.value.reason, caught.value.code) == (Reason.TRANSPORT, Code.UNAVAILABLE)
    assert service.training_sessions == ["default"]


def test_only_who_may_take_a_run_over_ends_the_waiting_for_it(config):
    service = service_of(config)
    incarnation = opened(service, config)
    service.stopping = True
    with pytest.raises(WireError, match="SESSION_HELD"):
        opened(service, config, client="a stranger")
    assert service.training_sessions == ["default"]
    with pytest.raises(WireError, match="about to end"):
        opened(service, config, client="its successor", replaces=incarnation)

    assert service.training_sessions == []
