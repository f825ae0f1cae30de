"""Every check of the steps that were done passes, fails and is void as its docstring says, on runs made by hand."""

from dataclasses import replace

import pytest
from hand_made_facts import applied, event, facts, step
from judged import FAIL, NOT_APPLICABLE, PASS, VOID, messages

from harness.judging.checks.completion import check_completion
from harness.judging.checks.convergence import check_convergence
from harness.judging.checks.exactly_once import check_exactly_once
from harness.judging.checks.expectations import check_expectations


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
        kept = [("relay.request.kept", None, {}), ("trunk.session.opened", 0, {})]
        late = ("relay.request.delivered", None, {"method": "Compute", "code": code, "reason": reason})
        assert expected is check_exactly_once(facts([*kept, *applied([0, 1]), late], reference=self.two)).verdict

    def test_a_late_request_of_the_present_incarnation_may_be_refused_for_its_step(self):
        opened, kept = ("trunk.session.opened", 0, {}), ("relay.request.kept", None, {})
        late = (
            "relay.request.delivered",
            None,
            {"method": "Compute", "code": "OUT_OF_RANGE", "reason": "STEP_IN_PAST"},
        )
        assert PASS is check_exactly_once(facts([opened, kept, *applied([0, 1]), late], reference=self.two)).verdict

    @pytest.mark.parametrize(("again", "expected"), [(True, PASS), (False, FAIL)])
    def test_a_session_opened_before_another_client_had_saved_is_opened_again_before_it_is_trained_on(
        self, again, expected
    ):
        """The trunk's half was saved for the client that had the session before, whose own half came late."""
        saved = [("trunk.checkpoint.placed", 1, {}), ("client.checkpoint.placed", 1, {})]
        opened = [("client.session.opened", 0, {}), *([("client.session.opened", 1, {})] if again else [])]
        start = 1 if again else 0
        events = [*applied([0]), *saved, *opened, ("client.forward.sending", start, {}), *applied([1], ["trunk"])]
        result = check_exactly_once(facts([*events, *applied(range(start, 2), ["client"])], reference=self.two))
        assert expected is result.verdict

    def test_a_checkpoint_that_was_altered_on_the_disk_is_none_to_go_on_from(self):
        both = ("client", "trunk")
        saved = [(f"{side}.checkpoint.placed", step, {}) for step in (1, 2) for side in both]
        for start, expected in ((1, PASS), (2, FAIL)):
            back = [(f"{side}.session.opened", start, {}) for side in both]
            made = facts([*applied([0, 1]), *saved, *back, *applied(range(start, 2))], reference=self.two)
            altered = event(99, 0.1 * (3 + len(saved)) + 0.05, "disk.altered", 2, party="trunk")
            assert expected is check_exactly_once(replace(made, events=[*made.events, altered])).verdict

    def test_each_of_several_clients_is_followed(self):
        made = facts(applied([0, 1]), reference=[step(0), step(1)])
        other = facts(applied([0, 1, 2]), reference=[step(number) for number in range(3)])
        result = check_exactly_once(replace(made, others={"client-2": other, "client-3": made}))
        assert (PASS, 14) == (result.verdict, result.compared)
        assert "7 steps, each applied once on both sides" == result.summary

    @pytest.mark.parametrize("side", ["client", "trunk"])
    def test_a_step_that_another_client_misses_fails_and_is_said_to_be_its(self, side):
        made = facts(applied([0, 1]), reference=[step(0), step(1)])
        other = facts([*applied([0]), *applied([1], {"client", "trunk"} - {side})], reference=[step(0), step(1)])
        result = check_exactly_once(replace(made, others={"client-2": made, "client-3": other}))
        assert FAIL is result.verdict
        assert [f"client-3: the {side} has applied 1 steps in the end instead of 2"] == messages(result)

    def test_nothing_applied_is_void(self):
        assert VOID is check_exactly_once(facts(["client.step.started"], reference=self.two)).verdict

    def test_repeated_calls_are_counted(self):
        result = check_exactly_once(facts([*applied([0, 1]), "client.call.failed"], reference=self.two))
        assert 1 == result.figures["failed calls that were repeated"]


class TestExpectations:
    def test_without_an_expectation_it_does_not_apply(self):
        assert NOT_APPLICABLE is check_expectations(facts()).verdict

    def test_a_point_that_was_passed(self):
        result = check_expectations(facts(["trunk.graph.recomputed"] * 2, expects=("trunk.graph.recomputed",)))
        assert (PASS, 1, {"trunk.graph.recomputed": 2}) == (result.verdict, result.compared, result.figures)

    def test_a_point_never_passed_is_void(self):
        expects = ("client.step.started", "trunk.graph.recomputed")
        result = check_expectations(facts(["client.step.started"], expects=expects))
        assert (VOID, "trunk.graph.recomputed never passed") == (result.verdict, result.reading)


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

    def test_too_few_losses_are_void(self):
        assert VOID is check_convergence(facts(steps=self.losses(*[1.0] * 9), loss_below=3.0)).verdict

    def test_without_a_stated_value_it_does_not_apply(self):
        assert NOT_APPLICABLE is check_convergence(facts(steps=self.losses(*[1.0] * 10))).verdict
