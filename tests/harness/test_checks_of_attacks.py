"""The checks of hostile peers and of strangers, on runs made by hand."""

from dataclasses import replace

import pytest
from hand_made_facts import facts
from judged import FAIL, NOT_APPLICABLE, PASS, VOID, messages

from harness.judging.checks.hostility import KINDS, check_hostility
from harness.judging.checks.strangers import check_strangers
from harness.plan.adversaries import HostilePeers
from harness.trace.place import At


class TestHostility:
    peers = HostilePeers(At("client.step.started", 3), 3000, seed=1)

    def run(self, findings=(), leak=0, kinds=KINDS, sent=3000):
        report = {
            "sent": sent,
            "distinct": 2000,
            "seconds": 2.0,
            "kinds": dict.fromkeys(kinds, 10),
            "calls": {"Compute": 3000},
            "answers": {"TOO_LARGE": 3000},
        }
        told = [("fuzz.progress", None, {"answered": n, "resident": 10**8 + leak * n}) for n in range(0, 3001, 100)]
        finished = ("fuzz.finished", None, {**report, "findings": findings})
        return check_hostility(facts([*told, finished], adversaries=(self.peers,)))

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
        assert VOID is check_hostility(facts(adversaries=(self.peers,))).verdict

    def test_without_hostile_peers_it_does_not_apply(self):
        assert NOT_APPLICABLE is check_hostility(facts()).verdict


class TestStrangers:
    def of(self, *tries):
        names = "stranger", "method", "answer"
        known = facts([("stranger.answered", None, dict(zip(names, tried, strict=True))) for tried in tries])
        with_token = known.scenario.but(token_file="token")  # noqa: S106 - the name of a file
        return check_strangers(replace(known, scenario=with_token))

    refused = ("no token", "Compute", "UNAUTHENTICATED"), ("another token", "Compute", "UNAUTHENTICATED")

    def test_strangers_that_are_refused_for_what_they_lack_pass(self):
        assert (PASS, 2) == (self.of(*self.refused).verdict, self.of(*self.refused).compared)

    @pytest.mark.parametrize("answer", ["OK", "FAILED_PRECONDITION", "DATA_LOSS"])
    def test_a_stranger_that_was_served_fails(self, answer):
        result = self.of(self.refused[0], ("another token", "Compute", answer))
        assert [f"another token Compute: the answer was {answer}; UNAUTHENTICATED is right"] == messages(result)

    def test_none_or_not_all_of_them_are_void(self):
        assert [VOID, VOID] == [self.of().verdict, self.of(self.refused[0]).verdict]
