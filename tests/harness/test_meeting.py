"""The second client is held until both sessions are open, whichever is opened first."""

import pytest

from harness.engine.meeting import Meeting
from harness.trace.event import Event


class Meet:
    """A meeting, and how often the second client was released."""

    def __init__(self):
        self.released = 0
        self.meeting = Meeting("client-2", "first")

    def release(self):
        self.released += 1

    def first_opens(self):
        self._take("trunk", "trunk.session.opened", {"session": "first"})

    def second_opens(self):
        self._take("trunk", "trunk.session.opened", {"session": "second"})
        self._take("client-2", "client.session.opened", {}, self.release)

    def first_trains(self):
        self._take("client", "client.session.opened", {})

    def _take(self, party, point, fields, release=None):
        self.meeting.take(Event(0, 0.0, point.partition(".")[0], party, point, None, None, fields, release))


@pytest.fixture
def meet():
    return Meet()


def test_a_second_client_that_comes_first_waits_for_the_first(meet):
    meet.second_opens()
    assert meet.released == 0
    meet.first_opens()
    assert meet.released == 1


def test_one_that_comes_later_does_not_wait(meet):
    meet.first_opens()
    meet.first_trains()
    meet.second_opens()
    assert meet.released == 1


def test_it_is_released_once(meet):
    meet.second_opens()
    meet.first_opens()
    meet.first_opens()
    assert meet.released == 1
