"""The checks of faults and of what comes after them, on runs made by hand."""

from functools import partial

import pytest
from hand_made_facts import EARLY, LATE, facts, healed, injected
from judged import FAIL, NOT_APPLICABLE, PASS, VOID, messages

from harness.judging.checks.faults import check_faults
from harness.judging.checks.liveness import check_liveness
from harness.plan.faults import CutMessage, DropConnection, Kill, MessageFault, NetworkFault, Partition
from harness.trace.place import At


def changed(state):
    return ("client.connection.changed", None, {"state": state})


def failed(method, code="UNAVAILABLE"):
    return "client.call.failed", None, {"method": method, "code": code}


BREAKING = {
    "drop": partial(DropConnection, At("client.forward.sent")),
    "partition": partial(Partition, At("client.forward.sent"), 1.0),
    "cut": partial(CutMessage, At("client.forward.sent"), "upstream", 20),
    "ill": partial(NetworkFault, At("client.forward.sent"), "reset", "upstream"),
}
TWICE = [("trunk.compute.received", 2)] * 2
SPOILT = [
    ("lose-request", "request.lost", [failed("Compute")], PASS),
    ("lose-request", "request.lost", [failed("Backward")], VOID),
    ("lose-reply", "reply.lost", [failed("Compute")], PASS),
    ("lose-reply", "reply.lost", [], VOID),
    ("corrupt-request", "request.corrupted", [failed("Compute", "DATA_LOSS")], PASS),
    ("corrupt-request", "request.corrupted", [failed("Compute")], VOID),
    ("corrupt-reply", "reply.corrupted", [failed("Compute", "DATA_LOSS")], PASS),
    ("corrupt-request", "request.corrupted", [], FAIL),
    ("corrupt-reply", "reply.corrupted", [failed("Compute")], VOID),
    ("corrupt-reply", "reply.corrupted", [], FAIL),
    ("corrupt-reply", "reply.corrupted", [failed("Backward")], FAIL),
    ("duplicate", "request.doubled", TWICE, PASS),
    ("duplicate", "request.doubled", TWICE[:1], VOID),
]


class TestFaults:
    def test_where_none_is_planned_it_does_not_apply(self):
        assert NOT_APPLICABLE is check_faults(facts()).verdict

    @pytest.mark.parametrize(
        ("mark", "failed_calls"), [("client.call.failed", 1), (changed("IDLE"), 0), (changed("TRANSIENT_FAILURE"), 0)]
    )
    def test_a_fault_that_fired_and_left_a_mark(self, mark, failed_calls):
        result = check_faults(facts(["client.forward.sent", injected(EARLY, 0), mark, healed(EARLY)], faults=(EARLY,)))
        assert PASS is result.verdict
        assert {"planned": 1, "fired": 1, "failed calls": failed_calls} == result.figures

    @pytest.mark.parametrize("state", ["CONNECTING", "READY"])
    def test_a_connection_that_is_made_is_no_mark(self, state):
        result = check_faults(
            facts(["client.forward.sent", injected(EARLY, 0), changed(state), healed(EARLY)], faults=(EARLY,))
        )
        assert (VOID, f"{EARLY.name} left no mark") == (result.verdict, result.reading)

    def test_a_mark_may_come_before_the_injection_is_noted(self):
        passed = ["client.forward.sent", "client.call.failed", injected(EARLY, 0), healed(EARLY)]
        assert PASS is check_faults(facts(passed, faults=(EARLY,))).verdict

    def test_a_fault_that_did_not_fire_is_void(self):
        result = check_faults(facts(["client.call.failed"], faults=(EARLY,)))
        assert (VOID, f"{EARLY.name} did not fire") == (result.verdict, result.reading)

    def test_a_fault_without_a_mark_is_void(self):
        passed = [changed("IDLE"), "client.forward.sent", injected(EARLY, 1), "client.step.started", healed(EARLY)]
        result = check_faults(facts(passed, faults=(EARLY,)))
        assert (VOID, f"{EARLY.name} left no mark") == (result.verdict, result.reading)

    def test_the_mark_of_a_later_fault_does_not_stand_for_an_earlier_one(self):
        passed = ["client.forward.sent", injected(EARLY, 0), healed(EARLY), "client.forward.sent", injected(LATE, 3)]
        result = check_faults(facts([*passed, "client.call.failed", healed(LATE)], faults=(EARLY, LATE)))
        assert (VOID, f"{EARLY.name} left no mark") == (result.verdict, result.reading)

    def test_the_place_of_the_next_fault_may_be_the_mark_of_the_one_before(self):
        killed = Kill(At("client.call.failed"), ("trunk",))
        passed = ["client.forward.sent", injected(EARLY, 0), "client.call.failed", injected(killed, 2)]
        gone = ("process.killed", None, {"party": "trunk"})
        result = check_faults(facts([*passed, gone, healed(EARLY), healed(killed)], faults=(EARLY, killed)))
        assert PASS is result.verdict

    def test_what_a_later_fault_could_have_caused_is_no_mark_though_the_earlier_one_heals_after_it(self):
        passed = ["client.forward.sent", injected(EARLY, 0), "client.forward.sent", injected(LATE, 2)]
        marks = ["client.call.failed", changed("IDLE")]
        result = check_faults(facts([*passed, *marks, healed(LATE), healed(EARLY)], faults=(EARLY, LATE)))
        assert (VOID, f"{EARLY.name} left no mark") == (result.verdict, result.reading)

    @pytest.mark.parametrize("kind", BREAKING.values(), ids=BREAKING)
    @pytest.mark.parametrize(("method", "expected"), [("Backward", PASS), ("Compute", VOID)])
    def test_a_fault_under_a_named_call_must_have_broken_that_very_call(self, kind, method, expected):
        fault = kind(method="Backward")
        passed = ["client.forward.sent", injected(fault, 0), changed("IDLE"), failed(method), healed(fault)]
        assert expected is check_faults(facts(passed, faults=(fault,))).verdict

    @pytest.mark.parametrize(("failure", "told", "reaction", "expected"), SPOILT)
    def test_a_message_fault_shows_by_what_the_parties_did(self, failure, told, reaction, expected):
        fault = MessageFault(At("client.forward.sending"), failure, "Compute")
        passed = [
            "client.forward.sending",
            injected(fault, 0),
            *reaction,
            (f"relay.{told}", None, {"same": True, "carried_out": True}),
        ]
        assert expected is check_faults(facts([*passed, healed(fault)], faults=(fault,))).verdict

    def test_a_damaged_message_that_was_accepted_is_named(self):
        fault = MessageFault(At("client.forward.sending"), "corrupt-reply", "Compute")
        passed = ["client.forward.sending", injected(fault, 0), ("relay.reply.corrupted", None, {}), healed(fault)]
        result = check_faults(facts(passed, faults=(fault,)))
        assert [f"a damaged message was believed: {fault.name}"] == messages(result)

    @pytest.mark.parametrize(("carried_out", "expected"), [(False, VOID), (True, FAIL)])
    def test_a_doubled_request_with_two_answers(self, carried_out, expected):
        """Where one of the two was not carried out, another fault came between: that shows nothing."""
        fault = MessageFault(At("client.forward.sending"), "duplicate", "Compute")
        doubled = ("relay.request.doubled", None, {"same": False, "carried_out": carried_out})
        passed = ["client.forward.sending", injected(fault, 0), *TWICE, doubled]
        assert expected is check_faults(facts([*passed, healed(fault)], faults=(fault,))).verdict

    def test_a_fault_that_could_not_be_injected_is_void(self):
        failed = ("fault.failed", None, {"fault": EARLY.name, "reason": "no proxy"})
        result = check_faults(facts([failed], faults=(EARLY,)))
        assert (VOID, f"{EARLY.name} did not fire; not injected: no proxy") == (result.verdict, result.reading)

    def test_a_fault_of_whose_healing_nothing_is_known_is_void(self):
        passed = ["client.forward.sent", injected(EARLY, 0), "client.call.failed"]
        result = check_faults(facts(passed, faults=(EARLY,)))
        assert (VOID, f"{EARLY.name} was never healed") == (result.verdict, result.reading)

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [({"code": "ABORTED", "reason": "STALE_INCARNATION"}, PASS), ({"code": "UNAVAILABLE", "reason": ""}, VOID)],
    )
    def test_a_late_message_counts_only_when_the_trunk_has_answered_it(self, fields, expected):
        late = MessageFault(At("client.forward.sending"), "late", "Compute")
        delivered = ("relay.request.delivered", None, {"method": "Compute", **fields})
        passed = ["client.forward.sending", injected(late, 0), delivered, healed(late)]
        assert expected is check_faults(facts(passed, faults=(late,))).verdict

    def test_a_fault_that_was_not_healed_is_void(self):
        unhealed = ("fault.unhealed", None, {"fault": EARLY.name, "reason": "the run ended"})
        passed = ["client.forward.sent", injected(EARLY, 0), "client.call.failed", unhealed]
        result = check_faults(facts(passed, faults=(EARLY,)))
        assert (VOID, "not healed: the run ended") == (result.verdict, result.reading)


class TestLiveness:
    def healed(self, *passed):
        return check_liveness(
            facts(["client.forward.sent", injected(EARLY, 0), healed(EARLY), *passed], faults=(EARLY,))
        )

    def test_without_faults_it_does_not_apply(self):
        assert NOT_APPLICABLE is check_liveness(facts()).verdict

    def test_the_next_answer_counts(self):
        result = self.healed("client.call.failed", "client.backward.received", "client.forward.received")
        assert (PASS, 1, 0.2) == (result.verdict, result.compared, result.figures["slowest recovery s"])

    def test_an_answer_before_the_healing_does_not_count(self):
        passed = [injected(EARLY, 0), "client.forward.received", healed(EARLY)]
        assert FAIL is check_liveness(facts(passed, faults=(EARLY,))).verdict

    def test_progress_that_never_came_fails_and_is_reported_in_words(self):
        result = self.healed("client.call.failed")
        assert (FAIL, ["no progress came after a fault had healed, not within 20 s"]) == (
            result.verdict,
            messages(result),
        )

    def test_progress_that_never_came_has_no_figure_for_json_has_no_infinity(self):
        assert {} == self.healed("client.call.failed").figures

    def test_progress_after_the_bound_fails(self):
        result = self.healed(*["client.call.failed"] * 250, "client.forward.received")
        assert (FAIL, ["progress came 25.10 s after a fault had healed, not within 20 s"]) == (
            result.verdict,
            messages(result),
        )

    def test_a_fault_that_healed_when_the_work_was_done_needs_no_progress_and_shows_none(self):
        passed = [injected(EARLY, 0), "client.training.finished", healed(EARLY)]
        result = check_liveness(facts(passed, faults=(EARLY,)))
        assert (NOT_APPLICABLE, "no progress was due; 1 healed when the work was done") == (
            result.verdict,
            result.reading,
        )

    @pytest.mark.parametrize("passed", [(), ("client.forward.received",), ("client.training.finished",)])
    def test_a_fault_that_did_not_heal_fails_whatever_the_client_did(self, passed):
        unhealed = ("fault.unhealed", None, {"fault": EARLY.name, "reason": "the run ended"})
        result = check_liveness(facts([injected(EARLY, 0), unhealed, *passed], faults=(EARLY,)))
        assert (FAIL, [f"{EARLY.name} did not heal"]) == (result.verdict, messages(result))

    def test_one_fault_of_two_that_did_not_heal_fails(self):
        passed = [injected(EARLY, 0), healed(EARLY), "client.forward.received", injected(LATE, 2)]
        result = check_liveness(facts(passed, faults=(EARLY, LATE)))
        assert (FAIL, [f"{LATE.name} did not heal"]) == (result.verdict, messages(result))

    def test_faults_of_which_none_fired_are_void(self):
        assert VOID is check_liveness(facts(["client.forward.received"], faults=(EARLY,))).verdict
