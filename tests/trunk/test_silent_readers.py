"""A reader that falls silent loses its place, and the trunk's log says so."""

from trunk.server import hello_of, opening_of, service_of

from splitlearn.runtime.simulated import ManualClock


def test_the_log_says_that_a_reader_was_not_heard_of(config, caplog):
    caplog.set_level("INFO")
    clock = ManualClock()
    service = service_of(config, idle_timeout=10.0, clock=clock)
    service.open_session(opening_of(hello_of(config), reader=True))
    for _ in range(11):
        clock.sleep(1.0)
        service.close_idle()

    assert ["session default: its reader has not been heard of; its place is given up"] == caplog.messages
    assert not list(config.save_dir.rglob("trunk-holder")), "of a reader nobody writes down that it holds anything"
