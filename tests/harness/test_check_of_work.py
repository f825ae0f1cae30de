"""The check of the work that was done, on runs made by hand."""

from dataclasses import replace

import pytest
from hand_made_facts import facts, healed, injected, step
from judged import FAIL, PASS, VOID, messages

from harness.judging.checks.work import check_work
from harness.plan.faults import CutMessage, Kill
from harness.trace.place import At

CUT = CutMessage(At("client.forward.sent", 1), "upstream", 20)

WORK = {
    "trunk.session.opened": 1, "client.forward.sent": 6, "client.backward.sent": 6, "trunk.compute.received": 6,
    "trunk.backward.received": 6, "trunk.sync.received": 3, "trunk.checkpoint.saved": 2,
    "client.checkpoint.saved": 2,
}  # fmt: skip


class TestWork:
    """Three steps of two microbatches, a checkpoint after every second step."""

    steps = tuple(step(number, microbatches=2) for number in range(3))

    def run(self, faults=(), passed=(), topology="proxy", record_steps=(), config=(), halves=(), computed=6, **counts):
        points = {**WORK, **{name.replace("_", "."): count for name, count in counts.items()}}
        opened = {"session": "run"}
        told = [(point, None, opened) for point, count in points.items() for _ in range(count)]
        told.append(("trunk.commit.applied", 2, {"passes": computed}))
        made = facts([*told, *passed], self.steps, self.steps, faults, topology=topology, record_steps=record_steps)
        settings = made.scenario.config.but(save_interval=2, **dict(config))
        return check_work(replace(made, scenario=replace(made.scenario, config=settings), halves=dict(halves)))

    def test_what_must_be_done_passes(self):
        assert (PASS, 38) == (self.run().verdict, self.run().compared)

    @pytest.mark.parametrize("point", WORK)
    @pytest.mark.parametrize("more", [-1, 1])
    def test_one_more_or_less_of_anything_fails_in_an_undisturbed_run(self, point, more):
        known = WORK[point]
        result = self.run(**{point: known + more})
        assert (FAIL, [f"{point} was passed {known + more} times; {known} is right"]) == (
            result.verdict,
            messages(result),
        )

    @pytest.mark.parametrize(("beats", "expected"), [(2, PASS), (3, FAIL)])
    def test_a_client_that_computes_for_long_says_every_five_seconds_that_it_is_there(self, beats, expected):
        long = ["client.step.started"] * 80  # a tenth of a second each, and the work before
        assert expected is self.run(passed=long, trunk_sync_received=3 + beats).verdict

    def test_a_graph_that_is_computed_again_fails_where_memory_is_not_short(self):
        assert FAIL is self.run(trunk_graph_recomputed=1).verdict
        short = {"max_pending_bytes": 1 << 20}
        assert (PASS, FAIL) == tuple(self.run(trunk_graph_recomputed=n, config=short).verdict for n in (6, 7))

    @pytest.mark.parametrize("computed", [5, 7])
    def test_a_forward_pass_that_is_computed_twice_or_never_fails(self, computed):
        result = self.run(computed=computed)
        assert (FAIL, [f"the trunk computed {computed} forward passes; 6 is right"]) == (
            result.verdict,
            messages(result),
        )

    def test_gradients_are_fetched_of_whole_steps_only(self):
        fetched = {"client_gradients_sending": 1, "trunk_gradients_received": 1}
        assert (PASS, FAIL) == (self.run(record_steps=(1, 9), **fetched).verdict, self.run(**fetched).verdict)

    def test_a_trunk_in_the_clients_process_takes_no_calls(self):
        none = dict.fromkeys([point for point in WORK if point.startswith("trunk.") and "saved" not in point], 0)
        assert PASS is self.run(topology="local", **none).verdict

    def test_a_call_that_fails_without_a_fault_fails(self):
        result = self.run(passed=["client.call.failed"])
        assert (FAIL, ["1 calls failed; the faults account for 0 at most"]) == (result.verdict, messages(result))

    # Healed after 2 s: seven attempts in the 4 s until it must be connected, and both passes of two microbatches.
    @pytest.mark.parametrize(("count", "expected"), [(7 + 4, PASS), (7 + 4 + 1, FAIL)])
    def test_calls_fail_no_more_than_pauses_fit_into_the_outage(self, count, expected):
        outage = [injected(CUT, 0), *["client.step.started"] * 19, healed(CUT)]
        assert expected is self.run((CUT,), [*outage, *["client.call.failed"] * count]).verdict

    def test_what_failed_may_be_sent_again_and_no_more(self):
        outage = [injected(CUT, 0), healed(CUT)]
        found = [self.run((CUT,), outage, trunk_compute_received=6 + more).verdict for more in (10, 11)]
        assert [PASS, FAIL] == found

    def test_a_killed_trunk_costs_the_steps_since_its_checkpoint_once_more(self):
        kill = Kill(At("client.forward.sent", 1), ("trunk",))
        again = [self.run((kill,), [injected(kill, 0), healed(kill)], client_forward_sent=n).verdict for n in (12, 13)]
        assert [PASS, FAIL] == again

    def test_checkpoints_that_are_kept_beyond_two_a_side_fail(self):
        assert PASS is self.run(halves={"client": 2, "trunk": 2}).verdict
        result = self.run(halves={"client": 2, "trunk": 3})
        assert ["the trunk has kept 3 checkpoints; 2 are enough to continue from"] == messages(result)

    def test_sessions_that_are_not_closed_fail(self):
        opened = ("trunk.session.opened", None, {"session": "another"})
        outage = [injected(CUT, 0), healed(CUT)]
        assert "the trunk held 2 sessions of 1 client at once" in messages(self.run((CUT,), [*outage, opened]))
        closed = ("trunk.session.closed", None, {"session": "run"})
        assert PASS is self.run((CUT,), [*outage, closed, opened]).verdict
        assert PASS is self.run((CUT,), [*outage, "trunk.server.starting", opened]).verdict

    def test_a_run_that_ended_early_is_void(self):
        assert VOID is check_work(facts(steps=self.steps[:2], reference=self.steps)).verdict
