"""A place is that of the party named like the role; a relay's report, which is nobody's, is at its place too."""

import pytest

from harness.trace.event import Event
from harness.trace.place import At


@pytest.mark.parametrize(
    ("point", "party", "is_there"),
    [
        ("client.forward.sent", "client", True),
        ("client.forward.sent", "client-2", False),
        ("relay.request.duplicated", "", True),
    ],
)
def test_an_event_is_at_a_place_only_if_it_is_of_the_right_party(point, party, is_there):
    event = Event(0, 0.0, point.partition(".")[0], party, point, 1, 0, {}, None)
    assert is_there == At(point).matches(event)
