"""Both parties died before the first checkpoint: which client may start, and when."""

import pytest
from client.runs import direct, remote_trunk, train
from trunk.server import hello_of, service_of

from splitlearn.errors import TrunkUnavailableError
from splitlearn.runtime.simulated import ManualClock


@pytest.fixture
def restarted(run):
    """A restarted trunk whose previous holder has saved nothing and does not come back."""
    remote_trunk(direct(service_of(run)), run).open(hello_of(run))
    clock = ManualClock()
    return service_of(run, boot=2, clock=clock), clock


def test_a_fresh_start_waits_until_the_dead_client_is_given_up(run, restarted):
    service, clock = restarted
    short = run.but(max_steps=1)
    with pytest.raises(TrunkUnavailableError, match="--take-over"):
        train(short, remote_trunk(direct(service), short))
    while clock.now() <= 120.0:
        clock.sleep(5.0)
        service.close_idle()

    assert 1 == train(short, remote_trunk(direct(service), short)).steps


@pytest.mark.parametrize("how", [{"resume": "auto"}, {"take_over": True}])
def test_a_client_that_takes_over_starts_at_once(run, restarted, how):
    short = run.but(max_steps=1)

    assert 1 == train(short, remote_trunk(direct(restarted[0]), short), **how).steps
