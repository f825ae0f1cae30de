"""What a trunk did not live to answer is not held against its next life."""

from types import SimpleNamespace

from sim.worlds import CONFIG, scenario_of, simulated

from harness.plan.faults import Kill, TakeOver
from harness.sim.replies import FirstReplies
from harness.trace.place import At
from splitlearn.wire import compute_service_pb2 as pb
from splitlearn.wire.checksum import checksum_of
from splitlearn.wire.methods import METHODS


def test_a_close_that_finds_no_session_is_not_taken_for_the_save_that_the_trunk_did_not_live_to_answer():
    """Found by `harness explore`, seed 3005595."""
    killed = Kill(At("trunk.sync.done", occurrence=3), ("trunk",))
    taken_over = TakeOver(At("trunk.sync.done", occurrence=2), 0.05)
    config = CONFIG.but(gradient_accumulation_steps=1, max_steps=4)

    assert simulated(scenario_of(killed, taken_over, config=config), calm=True).violation is None


def test_a_request_to_open_that_comes_again_gets_the_answer_of_this_life():
    """Found by `harness explore`, seed 3006087: one that lay in a broken connection for the whole of a trunk's life."""
    open_session = METHODS["OpenSession"]
    request = pb.OpenSessionRequest(session_id="run", client="client", opening=1)
    call = SimpleNamespace(method="OpenSession", request=open_session.write_request(request))
    first, second = (
        [*open_session.write_replies([pb.OpenSessionReply(incarnation=incarnation)], checksum_of(call.request))]
        for incarnation in (1, 2)
    )
    replies = FirstReplies()

    assert replies.are_repeated(call, request, first)
    assert not replies.are_repeated(call, request, second)
    replies.note_start()
    assert replies.are_repeated(call, request, second)
    assert not replies.are_repeated(call, request, first)
