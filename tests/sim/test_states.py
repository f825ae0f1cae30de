"""The coverage measure tells protocol states apart."""

from harness.sim.states import states_of
from harness.trace.event import Event
from splitlearn.points import POINTS


def states(*points):
    sources = ((point.partition(".")[0], point) for point in points)
    return states_of(
        Event(number, 0.0, source, source, point, None, None, {}) for number, (source, point) in enumerate(sources)
    )


def test_all_points_are_told_apart():
    assert len(set.union(*(states(point) for point in POINTS))) == len(POINTS)


def test_a_toxic_does_not_bring_the_network_up():
    down = states("proxy.disabled", "proxy.toxic.added", "client.step.started")
    assert states("client.step.started").isdisjoint(down)
