"""Every mutant is complete, can still be planted, and the bugs that the field is known for are among them."""

import multiprocessing
import re
from pathlib import Path

import pytest

from harness.mutants import MUTANTS
from harness.mutants.instead import instead
from harness.plan.rules import broken_rules
from splitlearn.stopwatch import Stopwatch

# What everyone who cuts a model meets, and what was reported of other projects.
CLASSICS = (
    "clip-each-part-by-itself", "combine-the-norms-in-another-order", "step-the-tied-weight-twice",
    "lose-the-heads-gradient-of-the-tied-weight", "join-the-tied-gradients-in-another-order",
    "recompute-with-another-dropout-mask", "update-after-every-backward", "accumulate-a-repeated-backward-twice",
    "apply-a-repeated-commit-twice", "answer-from-a-cache-under-the-wrong-key", "accept-a-superseded-client",
    "drop-the-attention-mask-at-the-trunk", "see-the-future", "train-on-the-labels-of-padding",
    "shift-the-labels-twice", "average-the-loss-over-each-microbatch", "leak-gradients-into-the-next-epoch",
    "forget-to-clear-the-clients-gradients", "forget-weight-decay-at-the-trunk", "let-norms-and-biases-decay",
    "step-the-schedule-with-every-microbatch", "update-the-trunk-with-the-rate-of-the-step-before",
    "save-the-weights-of-the-step-before", "resume-without-moments", "resume-at-the-beginning-of-the-data",
    "leave-the-trunk-in-evaluation-mode", "renumber-the-trunks-blocks", "code-lossily-where-lossless-was-asked-for",
    "return-the-gradient-unchanged", "leave-the-trunks-last-block-untrained", "resume-with-the-initial-weights",
    "skip-a-step-at-the-trunk-only", "send-features-computed-in-evaluation-mode",
    "skip-a-gradient-that-does-not-come", "accumulate-a-moving-average", "feed-the-optimizer-with-zeros",
    "use-the-labels-of-another-row", "clip-at-the-client-only", "send-bfloat16",
    "resume-with-adams-counter-off-by-one", "reset-the-position-ids-at-the-cut",
    "answer-with-the-reply-of-another-session", "resume-from-the-trunks-newest-half", "wait-in-every-call",
    "never-free-a-tape", "send-every-forward-pass-twice",
)  # fmt: skip


def test_the_known_bugs_are_among_them():
    assert set(CLASSICS) - MUTANTS.keys() == set()
    assert len([mutant for mutant in MUTANTS.values() if not mutant.equivalent]) >= 100


def test_the_page_has_the_scorecard_of_all_of_them():
    """If not: `harness mutants --json reports/baselines/mutants.json --markdown docs/mutants.md`."""
    page = (Path(__file__).parents[2] / "docs" / "mutants.md").read_text()

    assert {*re.findall(r"^\| \*\*([a-z0-9-]+)\*\* ", page, flags=re.MULTILINE)} == MUTANTS.keys()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_says_what_it_is_and_where_it_was_seen(name):
    mutant = MUTANTS[name]

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)
    assert re.fullmatch(r"[A-Z].{15,}\.", mutant.what), "a sentence"
    assert mutant.source
    assert not broken_rules(mutant.scenario)
    assert 0 <= mutant.since < mutant.scenario.config.max_steps


def plant(name, problems):
    """Plant a mutant in this process."""
    try:
        MUTANTS[name].plant()
    except Exception as error:  # noqa: BLE001 - whatever it is, the mutant has no target any more
        problems.put(f"{name}: {error!r}")


def test_every_mutant_can_be_planted():
    """Each in a process of its own, as it is planted in a run."""
    context = multiprocessing.get_context("fork")
    problems = context.SimpleQueue()
    for name in MUTANTS:
        child = context.Process(target=plant, args=(name, problems))
        child.start()
        child.join()

    assert problems.empty(), problems.get()


def test_a_mutant_whose_target_has_got_another_argument_cannot_be_planted():
    """In a run it would fail with a `TypeError`, which any check sees, and its own bug would not be tried."""
    before = Stopwatch.total
    with pytest.raises(AssertionError, match="total has other arguments than"):

        @instead(Stopwatch, "total")
        def total(right, self, since):
            return right(self)

    assert Stopwatch.total is before
