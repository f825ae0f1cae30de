"""The checks of memory, time and bytes, on runs made by hand."""

from dataclasses import replace

import pytest
import torch
from hand_made_facts import EARLY, facts, step
from judged import FAIL, NOT_APPLICABLE, PASS, VOID, messages
from safetensors.torch import save_file

from harness.judging.checks.memory import check_memory
from harness.judging.checks.step_time import check_step_time
from harness.judging.checks.traffic import check_traffic
from harness.judging.facts import Traffic
from harness.plan.links import LOOPBACK, LinkProfile
from harness.trace.memory_sample import MemorySample


class TestMemory:
    def run(self, growth, steps=240, lives=2):
        samples = [
            MemorySample(party, life, step, 10**8 + 10**6 * life + int(growth * step), peak=0)
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

    def test_a_slope_of_too_few_samples_is_no_finding(self):
        assert VOID is self.run(10**6, steps=200, lives=2).verdict


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

    def timed(self, *seconds):
        steps = [step(0), *(step(n, seconds=s) for n, s in enumerate(seconds, 1))]
        made = facts(steps=steps, reference=[step(0), step(1, seconds=0.1)], link=self.link)
        return check_step_time(replace(made, scenario=replace(made.scenario, timed=True)))

    # Two round trips of 100 ms and 100 ms of computing: 0.2 x 1.2 + 0.1 x 1.5 + 0.05 s.
    @pytest.mark.parametrize(
        ("seconds", "expected"), [((0.44, 0.5, 0.6), PASS), ((0.45, 0.5, 0.6), FAIL), ((0.3, 0.9, 0.9), FAIL)]
    )
    def test_much_more_than_the_sum_of_its_parts_fails_on_a_slow_link(self, seconds, expected):
        assert expected is self.timed(*seconds).verdict

    def test_the_first_step_does_not_count(self):
        assert VOID is self.run([]).verdict

    @pytest.mark.parametrize("link", [LOOPBACK, LinkProfile("wild", 10, 5, 0, 0, "by hand")])
    def test_a_link_that_keeps_nothing_waiting_shows_nothing(self, link):
        steps = [step(n, seconds=0.001) for n in range(4)]
        result = check_step_time(facts(steps=steps, reference=steps, link=link))
        assert (NOT_APPLICABLE, 0, 0.001) == (result.verdict, result.compared, result.figures["median step s"])

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

    two = (step(0, positions=10**6), step(1, positions=10**6))

    def run(self, finals, total, codec="raw", **more):
        made = facts(steps=self.two, reference=self.two, finals=finals, traffic=Traffic(total - 9, 9), **more)
        config = made.scenario.config.but(codec=codec)
        return check_traffic(replace(made, scenario=replace(made.scenario, config=config)))

    # Two steps of a million positions, 8 wide: four tensors of float32 are 256 MB, and travel with a hundredth more.
    @pytest.mark.parametrize(
        ("codec", "total", "expected"),
        [
            ("raw", 256_000_000, PASS),
            ("raw", 255_999_999, FAIL),
            ("raw", 258_500_000, PASS),
            ("raw", 258_700_000, FAIL),
            ("fp16", 128_000_000, PASS),
            ("fp16", 127_999_999, FAIL),
            ("fp16", 129_400_000, FAIL),
            ("bf16", 128_000_000, PASS),
            ("bf16", 127_999_999, FAIL),
            ("bf16", 129_400_000, FAIL),
            ("int8", 96_000_000, PASS),
            ("int8", 95_999_999, FAIL),
            ("int8", 97_200_000, FAIL),
            ("int4", 34_000_000, PASS),
            ("int4", 33_999_999, FAIL),
            ("int4", 34_600_000, FAIL),
            ("topk", 37_000_000, PASS),
            ("topk", 36_999_999, FAIL),
            ("topk", 37_600_000, FAIL),
            ("random-topk", 37_000_000, PASS),
            ("random-topk", 36_999_999, FAIL),
            ("zlib", 10_000_000, PASS),
            ("zlib", 256_100_000, FAIL),
            ("shuffle-zstd", 10_000_000, PASS),
            ("shuffle-zstd", 256_100_000, FAIL),
        ],
    )
    def test_fewer_bytes_than_the_tensors_have_or_much_more_fail(self, finals, codec, total, expected):
        assert expected is self.run(finals, total, codec).verdict

    def test_gradients_that_are_fetched_whole_are_counted(self, finals):
        save_file(
            {"weights/transformer.wte.weight": torch.zeros(3, 8), "weights/transformer.h.1.x": torch.zeros(10**6)},
            finals,
        )
        fetched = 256_000_000 + 4_000_000
        assert (PASS, FAIL) == tuple(self.run(finals, fetched - less, record_steps=(1, 99)).verdict for less in (0, 1))

    def test_no_bytes_counted_is_void(self, finals):
        assert VOID is check_traffic(facts(steps=self.two, reference=self.two, finals=finals)).verdict

    def test_a_run_that_ended_early_has_no_whole_count(self, finals):
        made = facts(steps=self.two[:1], reference=self.two, finals=finals, traffic=Traffic(9, 9))
        assert VOID is check_traffic(made).verdict

    @pytest.mark.parametrize("unlike", [{"faults": (EARLY,)}, {"topology": "direct"}, {"topology": "local"}])
    def test_where_no_bytes_can_be_counted_it_does_not_apply(self, unlike):
        assert NOT_APPLICABLE is check_traffic(facts(steps=[step(0)], **unlike)).verdict
