"""Every check passes, fails and is void as its docstring says, on runs made by hand."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from hand_made_facts import facts, step
from safetensors.torch import save_file

from harness.checks.completion import check_completion
from harness.checks.convergence import check_convergence
from harness.checks.exactly_once import check_exactly_once
from harness.checks.expectations import check_expectations
from harness.checks.faults import check_faults
from harness.checks.hostility import KINDS, check_hostility
from harness.checks.liveness import check_liveness
from harness.checks.memory import check_memory
from harness.checks.step_time import check_step_time
from harness.checks.traffic import check_traffic
from harness.events import At
from harness.facts import Traffic
from harness.faults import CutMessage, DropConnection, IllNetwork, Kill, Partition, SpoiledMessage
from harness.fuzz.peers import HostilePeers
from harness.links import LinkProfile
from harness.memory import MemorySample
from harness.verdict import CheckResult, Finding, Verdict, worst

PASS, FAIL, VOID = Verdict.PASS, Verdict.FAIL, Verdict.VOID


def messages(result):
    return [finding.message for finding in result.findings]


class TestVerdict:
    def test_exit_statuses_are_those_of_the_command(self):
        assert {"PASS": 0, "FAIL": 1, "VOID": 3} == {verdict.value: verdict.exit_status for verdict in Verdict}

    @pytest.mark.parametrize(
        ("verdicts", "expected"),
        [
            ([], VOID),
            ([PASS], PASS),
            ([PASS, PASS], PASS),
            ([PASS, VOID], VOID),
            ([VOID, FAIL, PASS], FAIL),
            ([FAIL, VOID], FAIL),
        ],
    )
    def test_the_worst_of_some_verdicts(self, verdicts, expected):
        assert expected is worst(verdicts)
        assert expected is worst(reversed(verdicts))

    @pytest.mark.parametrize(
        ("compared", "findings", "because", "expected"),
        [
            (3, (), "", PASS),
            (3, (Finding("bad"),), "", FAIL),
            (0, (), "", VOID),
            (3, (), "it never began", VOID),
        ],
    )
    def test_a_check_that_looked_at_nothing_is_void(self, compared, findings, because, expected):
        assert expected is CheckResult("any", compared, "fine", findings, void_because=because).verdict

    def test_the_reading_is_what_is_wrong_or_else_the_summary(self):
        assert "fine" == CheckResult("any", 1, "fine").reading
        assert "bad" == CheckResult("any", 1, "fine", (Finding("bad"), Finding("worse"))).reading
        assert "never" == CheckResult("any", 1, "fine", void_because="never").reading


class TestCompletion:
    def test_every_step_reported(self):
        assert PASS is check_completion(facts(steps=[step(0)], reference=[step(0)])).verdict

    def test_a_problem_fails_with_its_message(self):
        result = check_completion(facts(steps=[step(0)], reference=[step(0)], problem="the client hung"))
        assert (FAIL, ["the client hung"]) == (result.verdict, messages(result))

    @pytest.mark.parametrize(("ours", "theirs"), [(1, 2), (2, 1), (0, 1)])
    def test_another_number_of_steps_fails(self, ours, theirs):
        result = check_completion(
            facts(steps=[step(n) for n in range(ours)], reference=[step(n) for n in range(theirs)])
        )
        assert FAIL is result.verdict
        assert [f"the client reported {ours} steps, the reference {theirs}"] == messages(result)


def applied(steps, sides=("client", "trunk")):
    return [(f"{side}.commit.applied", number, {}) for number in steps for side in sides]


class TestExactlyOnce:
    two = (step(0), step(1))

    def test_once_on_both_sides(self):
        result = check_exactly_once(facts(applied([0, 1]), reference=self.two))
        assert (PASS, 4) == (result.verdict, result.compared)

    @pytest.mark.parametrize("side", ["client", "trunk"])
    @pytest.mark.parametrize("number", [0, 1])
    def test_twice_fails_and_names_side_and_step(self, side, number):
        result = check_exactly_once(facts([*applied([0, 1]), *applied([number], [side])], reference=self.two))
        message = f"{side}.commit.applied of step {number} when 2 were applied"
        assert (FAIL, [message]) == (result.verdict, messages(result))
        assert {"step": number} == result.findings[0].where

    def test_never_on_one_side_fails(self):
        passed = [*applied([0, 1], ["client"]), *applied([0], ["trunk"])]
        result = check_exactly_once(facts(passed, reference=self.two))
        assert (FAIL, ["the trunk has applied 1 steps in the end instead of 2"]) == (result.verdict, messages(result))

    def test_a_step_beyond_the_last_fails(self):
        result = check_exactly_once(facts(applied([0, 1, 2]), reference=self.two))
        assert FAIL is result.verdict
        expected = [f"the {side} has applied 3 steps in the end instead of 2" for side in ("client", "trunk")]
        assert expected == messages(result)

    def test_a_step_left_out_fails(self):
        result = check_exactly_once(
            facts([*applied([0]), *applied([1], ["client"]), *applied([2])], reference=self.two)
        )
        assert "trunk.commit.applied of step 2 when 1 were applied" in messages(result)

    def test_steps_done_again_from_a_checkpoint_are_a_history_of_their_own(self):
        saved = [(f"{side}.checkpoint.placed", 1, {}) for side in ("trunk", "client")]
        back = [*saved, *((f"{side}.session.opened", 1, {}) for side in ("client", "trunk"))]
        result = check_exactly_once(facts([*applied([0, 1]), *back, *applied([1])], reference=self.two))
        assert (PASS, 2) == (result.verdict, result.figures["steps done again after a crash"])

    def test_going_back_and_not_doing_a_step_again_fails(self):
        back = [("trunk.session.opened", 0, {})]
        result = check_exactly_once(facts([*applied([0, 1]), *back, *applied([1], ["trunk"])], reference=self.two))
        assert ["trunk.commit.applied of step 1 when 0 were applied"] == messages(result)

    @pytest.mark.parametrize("side", ["client", "trunk"])
    @pytest.mark.parametrize(("step", "expected"), [(0, FAIL), (1, PASS)])
    def test_a_session_is_opened_at_the_newest_step_that_both_have_saved(self, side, step, expected):
        saved = [
            ("trunk.checkpoint.placed", 1, {}),
            ("client.checkpoint.placed", 1, {}),
            ("trunk.checkpoint.placed", 2, {}),
        ]
        back = [(f"{side}.session.opened", step, {}), *applied(range(step, 2), [side])]
        result = check_exactly_once(
            facts([*applied([0]), *saved[:2], *applied([1]), saved[2], *back], reference=self.two)
        )
        assert expected is result.verdict

    @pytest.mark.parametrize(
        ("code", "reason", "expected"),
        [("OK", "", FAIL), ("ABORTED", "STALE_INCARNATION", PASS), ("OUT_OF_RANGE", "STEP_IN_FUTURE", FAIL)],
    )
    def test_a_late_request_of_an_older_incarnation_must_be_refused_as_such(self, code, reason, expected):
        late = ("relay.request.delivered", None, {"method": "Compute", "code": code, "reason": reason})
        assert expected is check_exactly_once(facts([*applied([0, 1]), late], reference=self.two)).verdict

    def test_nothing_applied_is_void(self):
        assert VOID is check_exactly_once(facts(["client.step.started"], reference=self.two)).verdict

    def test_repeated_calls_are_counted(self):
        result = check_exactly_once(facts([*applied([0, 1]), "client.call.failed"], reference=self.two))
        assert 1 == result.figures["failed calls that were repeated"]


class TestExpectations:
    def test_no_expectation_passes(self):
        assert PASS is check_expectations(facts()).verdict

    def test_a_point_that_was_passed(self):
        result = check_expectations(facts(["trunk.graph.recomputed"] * 2, expects=("trunk.graph.recomputed",)))
        assert (PASS, {"trunk.graph.recomputed": 2}) == (result.verdict, result.figures)

    def test_a_point_never_passed_is_void(self):
        expects = ("client.step.started", "trunk.graph.recomputed")
        result = check_expectations(facts(["client.step.started"], expects=expects))
        assert (VOID, "trunk.graph.recomputed never passed") == (result.verdict, result.reading)


EARLY, LATE = (DropConnection(At("client.forward.sent", number)) for number in (1, 2))


def injected(fault, held):
    return ("fault.injected", None, {"fault": fault.name, "held": held})


def healed(fault):
    return ("fault.healed", None, {"fault": fault.name})


def changed(state):
    return ("client.connection.changed", None, {"state": state})


def failed(method, code="UNAVAILABLE"):
    return "client.call.failed", None, {"method": method, "code": code}


BREAKING = {
    "drop": partial(DropConnection, At("client.forward.sent")),
    "partition": partial(Partition, At("client.forward.sent"), 1.0),
    "cut": partial(CutMessage, At("client.forward.sent"), "upstream", 20),
    "ill": partial(IllNetwork, At("client.forward.sent"), "reset", "upstream"),
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
    ("corrupt-reply", "reply.corrupted", [], VOID),
    ("duplicate", "request.doubled", TWICE, PASS),
    ("duplicate", "request.doubled", TWICE[:1], VOID),
]


class TestFaults:
    def test_none_planned_passes(self):
        assert PASS is check_faults(facts()).verdict

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

    @pytest.mark.parametrize(("mishap", "told", "reaction", "expected"), SPOILT)
    def test_a_spoilt_message_shows_by_what_the_parties_did(self, mishap, told, reaction, expected):
        fault = SpoiledMessage(At("client.forward.sending"), mishap, "Compute")
        passed = ["client.forward.sending", injected(fault, 0), *reaction, (f"relay.{told}", None, {"same": True})]
        assert expected is check_faults(facts([*passed, healed(fault)], faults=(fault,))).verdict

    def test_a_doubled_request_with_two_answers_shows_nothing_good(self):
        fault = SpoiledMessage(At("client.forward.sending"), "duplicate", "Compute")
        doubled = ("relay.request.doubled", None, {"same": False})
        passed = ["client.forward.sending", injected(fault, 0), *[("trunk.compute.received", 2)] * 2, doubled]
        assert VOID is check_faults(facts([*passed, healed(fault)], faults=(fault,))).verdict

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
        late = SpoiledMessage(At("client.forward.sending"), "late", "Compute")
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
        return check_liveness(facts(["client.forward.sent", "fault.healed", *passed], faults=(EARLY,)))

    def test_without_faults_there_is_nothing_to_recover_from(self):
        assert PASS is check_liveness(facts()).verdict

    def test_the_next_answer_counts(self):
        result = self.healed("client.call.failed", "client.backward.received", "client.forward.received")
        assert (PASS, 0.2) == (result.verdict, result.figures["slowest recovery s"])

    def test_an_answer_before_the_healing_does_not_count(self):
        result = check_liveness(facts(["client.forward.received", "fault.healed"], faults=(EARLY,)))
        assert FAIL is result.verdict

    def test_progress_after_the_bound_fails(self):
        result = self.healed(*["client.call.failed"] * 250, "client.forward.received")
        assert (FAIL, ["progress came 25.10 s after a fault had healed, not within 20 s"]) == (
            result.verdict,
            messages(result),
        )

    def test_work_that_was_done_needs_no_progress(self):
        result = check_liveness(facts(["client.training.finished", "fault.healed"], faults=(EARLY,)))
        assert (PASS, 0.0) == (result.verdict, result.figures["slowest recovery s"])


class TestMemory:
    def run(self, growth, steps=240, lives=2):
        samples = [
            MemorySample(party, life, step, 10**8 + 10**6 * life + int(growth * step))
            for party in ("client", "trunk")
            for life in range(lives)
            for step in range(steps // lives * life, steps // lives * (life + 1))
        ]
        return check_memory(replace(facts(), memory=samples))

    @pytest.mark.parametrize(("growth", "expected"), [(0, PASS), (-500, PASS), (16000, PASS), (17000, FAIL)])
    def test_growth_with_the_steps_fails_whatever_the_level_of_each_life(self, growth, expected):
        result = self.run(growth)
        assert (expected, growth) == (result.verdict, result.figures["trunk growth B/step"])

    def test_too_few_samples_are_void(self):
        assert VOID is self.run(0, steps=100).verdict
        assert VOID is check_memory(facts()).verdict


class TestHostility:
    peers = HostilePeers(At("client.step.started", 3), 3000, seed=1)

    def run(self, findings=(), leak=0, kinds=KINDS, sent=3000):
        report = {
            "sent": sent,
            "distinct": 2000,
            "seconds": 2.0,
            "kinds": dict.fromkeys(kinds, 10),
            "answers": {"TOO_LARGE": 3000},
        }
        told = [("fuzz.progress", None, {"answered": n, "resident": 10**8 + leak * n}) for n in range(0, 3001, 100)]
        finished = ("fuzz.finished", None, {**report, "findings": findings})
        return check_hostility(facts([*told, finished], faults=(self.peers,)))

    def test_refused_requests_pass(self):
        result = self.run()
        assert (PASS, 3000, 1500) == (result.verdict, result.compared, result.figures["requests / s"])

    def test_a_finding_of_the_fuzzer_fails(self):
        assert (FAIL, ["a bomb was taken"]) == (
            self.run(["a bomb was taken"]).verdict,
            messages(self.run(["a bomb was taken"])),
        )

    @pytest.mark.parametrize(("leak", "expected"), [(10_000, PASS), (11_000, FAIL)])
    def test_memory_that_grows_with_the_requests_fails(self, leak, expected):
        assert expected is self.run(leak=leak).verdict

    def test_raw_connections_are_no_requests(self):
        figures = self.run().figures
        assert (2930, 70) == (figures["malformed requests"], figures["raw connections"])

    def test_fewer_requests_than_planned_are_void(self):
        result = self.run(sent=300)
        assert (VOID, "only 300 of 3000 requests were sent") == (result.verdict, result.reading)

    def test_a_kind_that_was_left_out_is_void(self):
        result = self.run(kinds=KINDS - {"decompression bomb"})
        assert (VOID, "none were decompression bomb") == (result.verdict, result.reading)

    def test_without_an_end_nothing_is_shown(self):
        assert VOID is check_hostility(facts()).verdict


class TestStepTime:
    link = LinkProfile("slow", 100, 5, 0, 0, "by hand")

    def run(self, seconds, **more):
        steps = [step(0, seconds=9.0), *(step(n, seconds=s) for n, s in enumerate(seconds, 1))]
        return check_step_time(facts(steps=steps, reference=[step(0), step(1, seconds=0.1)], link=self.link, **more))

    def test_two_round_trips_and_more_pass(self):
        result = self.run([0.4, 0.3])
        assert (PASS, 2, 0.35, 0.3) == (
            result.verdict,
            result.compared,
            result.figures["median step s"],
            result.figures["sum of a step's parts s"],
        )

    def test_less_than_two_round_trips_fails(self):
        result = self.run([0.4, 0.17])
        assert (FAIL, ["a step took 0.170 s, less than two round trips (0.180 s)"]) == (
            result.verdict,
            messages(result),
        )

    def test_the_first_step_does_not_count(self):
        assert VOID is self.run([]).verdict

    def test_transmission_counts_the_bytes_over_the_bandwidth(self):
        link = LinkProfile("narrow", 0, 0, 1, 2, "by hand")
        steps = [step(n, seconds=1.0) for n in range(4)]
        result = check_step_time(facts(steps=steps, reference=steps, link=link, traffic=Traffic(4000, 16000)))
        assert 1.0 + (4 + 8) / 4 == result.figures["sum of a step's parts s"]


class TestTraffic:
    @pytest.fixture
    def finals(self, tmp_path):
        path = tmp_path / "final.safetensors"
        save_file({"weights/transformer.wte.weight": torch.zeros(3, 8)}, path)
        return path

    # Two steps of 10 positions, 8 wide: four float32 tensors are 2560 bytes.
    @pytest.mark.parametrize(("up", "expected"), [(1280, PASS), (1279, FAIL), (1536, PASS), (1537, FAIL)])
    def test_fewer_bytes_than_the_tensors_have_or_a_tenth_more_fail(self, finals, up, expected):
        result = check_traffic(facts(steps=[step(0), step(1)], finals=finals, traffic=Traffic(up, 1280)))
        assert (expected, round((up + 1280) / 2560, 5)) == (result.verdict, result.figures["bytes / least bytes"])

    def test_no_bytes_counted_is_void(self, finals):
        assert VOID is check_traffic(facts(steps=[step(0)], finals=finals)).verdict
        assert VOID is check_traffic(facts(steps=[step(0)], finals=finals, traffic=Traffic(0, 0))).verdict


class TestConvergence:
    def losses(self, *values):
        return [step(n, loss=value) for n, value in enumerate(values)]

    def test_below_the_stated_value(self):
        result = check_convergence(facts(steps=self.losses(*[5.0] * 5, *[3.0] * 10), loss_below=3.1))
        assert (PASS, {"first loss": 5.0, "last loss": 3.0}) == (result.verdict, result.figures)

    def test_not_below_fails(self):
        result = check_convergence(facts(steps=self.losses(*[3.0] * 10), loss_below=3.0))
        assert (FAIL, ["the loss is 3.0000 nats, not below 3.0"]) == (result.verdict, messages(result))

    def test_a_last_step_without_a_loss_fails(self):
        steps = self.losses(*[1.0] * 12, None)
        assert FAIL is check_convergence(facts(steps=steps, loss_below=3.0)).verdict

    def test_too_few_losses_or_no_value_is_void(self):
        assert VOID is check_convergence(facts(steps=self.losses(*[1.0] * 9), loss_below=3.0)).verdict
        assert VOID is check_convergence(facts(steps=self.losses(*[1.0] * 10))).verdict
