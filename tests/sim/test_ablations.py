"""Safeguards of the protocol, switched off: something fails without them, and nothing with them."""

from concurrent.futures import Executor, Future
from contextlib import nullcontext
from dataclasses import replace
from inspect import Parameter, isfunction, signature
from math import comb
from pkgutil import resolve_name

import pytest
from sim.worlds import scenario_of

from harness.cli import main
from harness.commands import recorded_ablations
from harness.commands.ablation_table import page, shrinking
from harness.commands.recorded_ablations import recorded, verdict_of
from harness.plan.faults import Kill, MessageFault, PowerLoss
from harness.recording.measured import read_measured
from harness.recording.schema import AblationsRecord
from harness.sim import ablating
from harness.sim.ablating import ENOUGH, NOTHING, Row, fails_without, failures_without, violation_without
from harness.sim.ablations import ABLATIONS
from harness.sim.case import Case, SimulatedIn
from harness.sim.draw_case import case_of
from harness.sim.findings import Failure
from harness.trace.place import At

DUPLICATE = MessageFault(At("client.backward.sending", 3, 0), "duplicate", "Backward")
LATE_OPENING = MessageFault(At("client.session.opening"), "late", "OpenSession")
LATE_COMPUTE = MessageFault(At("client.forward.sending", 3, 0), "late", "Compute")
CORRUPT = MessageFault(At("client.forward.sending", 2, 0), "corrupt-request", "Compute", "head")
NO_POWER = PowerLoss(At("trunk.commit.applied", 6), "trunk")
# What each of these safeguards guards against.
FOUND = {
    "backward-once": (DUPLICATE, "bits"),
    "fencing": (LATE_COMPUTE, "one incarnation"),
    "compare-and-swap": (LATE_OPENING, "completion"),
    "message-checksum": (CORRUPT, "completion"),
    "file-sync": (NO_POWER, "completion"),
    "folder-sync": (NO_POWER, "completion"),
    "two-halves": (Kill(At("client.checkpoint.writing", occurrence=2), ("client",)), "completion"),
    "client-half-last": (Kill(At("client.checkpoint.saved"), ("client",)), "completion"),
}


class Here(Executor):
    """Does the work in this process, in which it can be observed."""

    def submit(self, work, *arguments):
        """Do it now."""
        done = Future()
        done.set_result(work(*arguments))
        return done


HERE = Here()


def case_with(*faults, **world):
    return Case(scenario_of(*faults), SimulatedIn(1, **world))


@pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=list(ABLATIONS))
def test_every_part_that_an_ablation_replaces_exists_and_is_back_afterwards(ablation):
    before = [resolve_name(swap.target) for swap in ablation.swaps]
    with ablation.switched_off():
        assert all(resolve_name(swap.target) is not part for swap, part in zip(ablation.swaps, before, strict=True))
    assert [resolve_name(swap.target) for swap in ablation.swaps] == before


@pytest.mark.parametrize("ablation", ABLATIONS.values(), ids=list(ABLATIONS))
def test_what_replaces_a_function_takes_its_arguments(ablation):
    """If not, every schedule fails with a `TypeError`, and says nothing of the safeguard."""
    functions = [swap.target for swap in ablation.swaps if isfunction(resolve_name(swap.target))]
    arguments = [list(signature(resolve_name(target)).parameters.values()) for target in functions]
    with ablation.switched_off():
        for target, parameters in zip(functions, arguments, strict=True):
            by_place = [each.name for each in parameters if each.kind is not Parameter.KEYWORD_ONLY]
            by_name = {each.name: None for each in parameters if each.kind is Parameter.KEYWORD_ONLY}
            signature(resolve_name(target)).bind(*by_place, **by_name)


@pytest.mark.parametrize("name", FOUND)
def test_a_fault_shows_what_its_safeguard_is_for(name):
    fault, invariant = FOUND[name]
    case = case_with(fault)

    assert violation_without("", case) is None
    assert violation_without(name, case).invariant == invariant


def test_drawn_schedules_find_what_is_switched_off_and_blame_no_correct_system():
    assert failures_without("", range(8), "stub") == ((), 8)
    for name in ("commit-once", "retry"):
        failures, _tried = failures_without(name, range(4, 10), "stub")
        assert failures, name
        assert fails_without(name, failures[0].invariant)(case_of(failures[0].seed, "stub"))


def test_a_row_is_explained_by_its_failures_or_its_argument():
    failure = (Failure(3, "bits", "other bits"), Failure(5, "bits", "other bits"))

    assert Row(NOTHING, 100, ()).is_explained
    assert not Row(NOTHING, 100, failure).is_explained
    assert Row("fencing", 100, failure).is_explained
    assert not Row("fencing", 100, ()).is_explained
    assert Row("idle-closing", 100, ()).is_explained


def test_failures_refute_an_argument_that_there_are_none(monkeypatch, capsys):
    failed = Row("idle-closing", 100, (Failure(3, "bits", "other bits"),))
    monkeypatch.setattr(recorded_ablations, "ablate", lambda *_, **__: [Row(NOTHING, 100, ()), failed])

    assert not failed.is_explained
    assert 3 == main(["ablations", "idle-closing"])
    told = capsys.readouterr().out
    assert (
        f"idle-closing: schedules fail without it, though it is said of it: {ABLATIONS['idle-closing'].unseen}" in told
    )
    assert "verdict: VOID" in told
    assert "" == Row("fencing", 100, failed.failures).refuted == Row("idle-closing", 100, ()).refuted


def test_a_rate_is_not_taken_too_high_because_the_search_ended_with_a_failure():
    failures = tuple(Failure(seed, "bits", "other bits") for seed in range(ENOUGH))

    assert 200 == Row("fencing", 100, failures[:2]).per_10_000
    assert 10_000 * (ENOUGH - 1) / 40 == Row("fencing", 41, failures).per_10_000
    # The average over all searches, weighted by their probabilities, is the true rate.
    rate, longest = 0.3, 400
    ends = {n: comb(n - 1, ENOUGH - 1) * rate**ENOUGH * (1 - rate) ** (n - ENOUGH) for n in range(ENOUGH, longest)}
    mean = sum(chance * Row("fencing", n, failures).per_10_000 for n, chance in ends.items())
    assert mean == pytest.approx(10_000 * rate)


def test_the_command_writes_what_failed_for_programs_and_as_a_page(tmp_path, capsys):
    record, written = tmp_path / "ablations.json", tmp_path / "ablations.md"
    words = ["commit-once", "key-content", "--schedules", "1", "--seed", "4", "--jobs", "1"]

    assert 0 == main(["ablations", *words, "--json", str(record), "--markdown", str(written)])

    found = read_measured(tmp_path).ablations
    correct, commit_once, key_content = found.rows
    assert ("PASS", 1, 4, ENOUGH) == (found.verdict, found.schedules, found.seed, found.enough)
    assert (0, None) == (correct.failed, correct.first_seed)
    assert (1, 10_000, 4, {"bits": 1}, 0) == (
        commit_once.failed,
        commit_once.per_10_000,
        commit_once.first_seed,
        commit_once.invariants,
        commit_once.faults_when_shrunk,
    )
    assert "differs from the undisturbed run" in commit_once.first_message
    assert ABLATIONS["key-content"].unseen == key_content.why_nothing_failed
    assert page(found) == written.read_text()
    assert "`harness ablations --schedules 1 --seed 4 --json" in written.read_text()
    assert ["commit-once", "1", "of", "1", "10,000", "4", "bits", "1", "0"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]


def test_the_command_tells_how_far_failures_among_many_faults_were_shrunk(tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr(ablating, "worker_pool", lambda _jobs: nullcontext(HERE))
    monkeypatch.setattr(ablating, "case_of", lambda *asked: drawn.append(asked) or case_of(*asked))
    record = tmp_path / "ablations.json"
    words = ["commit-once", "--schedules", "1", "--seed", "4", "--faults", "12", "--json", str(record)]

    assert 0 == main(["ablations", *words])

    found = read_measured(tmp_path).ablations
    correct, commit_once = found.rows
    assert {(4, "stub", 12)} == set(drawn)
    assert (12, 0.0) == (found.faults, correct.seconds_to_shrink)
    assert commit_once.seconds_to_shrink > 0
    assert f"1 failure shrunk: a median of {commit_once.faults_when_shrunk} faults left" in capsys.readouterr().out
    assert "`harness ablations --schedules 1 --seed 4 --faults 12 --json" in page(found)


def test_shrinking_is_summed_up_of_all_rows_that_failed():
    shrunk = [(1, 4.0), (3, 10.0), (2, 60.0), (2, 5.0)]
    rows = [Row("fencing", 9, (Failure(3, "bits", "!"),), left, 8, seconds) for left, seconds in shrunk]
    found = AblationsRecord("PASS", 9, 0, ENOUGH, (recorded(Row(NOTHING, 9, ())), *map(recorded, rows)), 1.0)

    assert shrinking(found) == (
        "4 failures shrunk: a median of 2 faults left, at most 3; in a median of 7.5 s, at most 60.0 s"
    )
    assert shrinking(replace(found, rows=found.rows[:1])) == ""


@pytest.mark.parametrize(("failures", "verdict"), [((), "VOID"), ((Failure(3, "bits", "other bits"),), "PASS")])
def test_a_safeguard_that_nothing_shows_and_nothing_explains_is_void(failures, verdict):
    rows = [Row(NOTHING, 100, ()), Row("fencing", 100, failures), Row("idle-closing", 100, ())]

    assert verdict == verdict_of(rows)
    assert "FAIL" == verdict_of([Row(NOTHING, 100, (Failure(3, "bits", "other bits"),)), *rows[1:]])
    assert ("" if failures else "Not shown by these 100 schedules") in recorded(rows[1]).why_nothing_failed
