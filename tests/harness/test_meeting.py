"""Every client but the first is held until all sessions have been opened, in whatever order."""

from itertools import permutations

import pytest

from harness.engine.meeting import Meeting
from harness.trace.event import Event


class Meet:
    """A meeting of three clients, and who was released, in order."""

    def __init__(self):
        self.released = []
        self.meeting = Meeting(["client-2", "client-3"], ["run", "run-2", "run-3"])

    def opens(self, number):
        """Let a client open its session; every one but the first is held then."""
        self.trunk_opens(number)
        party = f"client-{number}" if number > 1 else "client"
        release = (lambda: self.released.append(number)) if number > 1 else None
        self._take(party, "client.session.opened", {}, release)

    def trunk_opens(self, number):
        self._take("trunk", "trunk.session.opened", {"session": f"run-{number}" if number > 1 else "run"})

    def _take(self, party, point, fields, release=None):
        self.meeting.take(Event(0, 0.0, point.partition(".")[0], party, point, None, None, fields, release))


@pytest.fixture
def meet():
    return Meet()


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_none_is_released_before_the_last_has_come(meet, order):
    for number in order[:2]:
        meet.opens(number)
    assert meet.released == []
    meet.opens(order[2])
    assert sorted(meet.released) == [2, 3]


def test_one_that_opens_again_does_not_stand_for_another(meet):
    for number in (1, 2, 2):
        meet.opens(number)
    assert meet.released == []


def test_each_is_released_once(meet):
    for number in (2, 3, 1):
        meet.opens(number)
    meet.trunk_opens(2)
    assert sorted(meet.released) == [2, 3]


def test_two_meet_without_a_third():
    meet = Meet()
    meet.meeting = Meeting(["client-2"], ["run", "run-2"])
    meet.opens(2)
    assert meet.released == []
    meet.opens(1)
    assert meet.released == [2]
