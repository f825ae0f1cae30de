"""The scorecard of all mutants, as JSON and as Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.mutants.mutant import Mutant
from harness.mutants.trial import Trial
from harness.trace.verdict import Verdict

__all__ = ["Alarm", "Scorecard", "as_json", "as_markdown", "line_of"]


@dataclass(frozen=True)
class Alarm:
    """A false alarm: a scenario that the correct system did not pass, and what the judge reported.

    Attributes:
        scenario: the scenario's name.
        verdict: the run's verdict.
        finding: the first check that did not pass, in words.
    """

    scenario: str
    verdict: str
    finding: str


@dataclass(frozen=True)
class Scorecard:
    """The results of some mutants, and of the correct system on the same scenarios.

    Attributes:
        trials: the result of each mutant.
        alarms: scenarios that the correct system did not pass.
        scenarios: number of scenarios that the correct system ran.
    """

    trials: Mapping[Mutant, Trial]
    alarms: Sequence[Alarm]
    scenarios: int

    @property
    def counted(self) -> Mapping[Mutant, Trial]:
        """The trials of mutants that are not equivalent to the correct system."""
        return {mutant: trial for mutant, trial in self.trials.items() if not mutant.equivalent}

    @property
    def missed(self) -> Sequence[str]:
        """Names of the mutants that were not caught."""
        return [mutant.name for mutant, trial in self.counted.items() if not trial.caught]

    @property
    def refuted(self) -> Sequence[str]:
        """Names of the mutants that are declared equivalent but did not pass."""
        return [mutant.name for mutant, trial in self.trials.items() if mutant.equivalent and trial.verdict != "PASS"]

    @property
    def verdict(self) -> Verdict:
        """FAIL if a mutant was missed, or an equivalent one or the correct system did not pass; VOID without trials."""
        if not self.trials:
            return Verdict.VOID
        return Verdict.FAIL if self.missed or self.refuted or self.alarms else Verdict.PASS

    @property
    def figures(self) -> Mapping[str, int]:
        """The scorecard's counts, by name."""
        caught = [(mutant, trial) for mutant, trial in self.counted.items() if trial.caught]
        placed = [trial for _, trial in caught if trial.layer_right is not None]
        bits = [trial for _, trial in caught if trial.latency is not None]
        unseen = [trial for mutant, trial in caught if mutant.plant.__module__.endswith(".unseen")]
        return {
            "mutants": len(self.counted),
            "caught": len(caught),
            "caught by their bits": len(bits),
            "caught in the first wrong step": sum(trial.latency == 0 for trial in bits),
            "with a known layer": len(placed),
            "layer right": sum(bool(trial.layer_right) for trial in placed),
            "cause right": sum(trial.cause_right for _, trial in caught),
            "added after the diagnosis rules": len(unseen),
            "cause right of those": sum(trial.cause_right for trial in unseen),
            "seen in the loss curve": sum(trial.in_the_curve for _, trial in caught),
            "seen by allclose": sum(bool(trial.in_allclose) for _, trial in caught),
            "equivalent": len(self.trials) - len(self.counted),
            "scenarios of the correct system": self.scenarios,
            "false alarms": len(self.alarms),
        }


def as_json(card: Scorecard) -> dict[str, Any]:
    """Return a scorecard as a JSON object."""
    return {
        "verdict": card.verdict.value,
        "figures": dict(card.figures),
        "missed": list(card.missed),
        "refuted": list(card.refuted),
        "false_alarms": [asdict(alarm) for alarm in card.alarms],
        "mutants": [{**_facts(mutant), **asdict(trial)} for mutant, trial in card.trials.items()],
    }


def _facts(mutant: Mutant) -> dict[str, object]:
    names = ("what", "source", "party", "since", "equivalent")
    own = {name: getattr(mutant, name) for name in names}
    return {**own, "scenario": mutant.scenario.name, "expected_cause": mutant.cause.value}


def line_of(mutant: Mutant, trial: Trial) -> str:
    """Return a trial as one line of text."""
    if mutant.equivalent:
        return f"{'equal' if trial.verdict == 'PASS' else 'REFUTED':7}  {mutant.name}: {mutant.equivalent}"
    if not trial.caught:
        return f"{'MISSED':7}  {mutant.name}: the run ended with {trial.verdict}"
    right = "" if trial.cause_right else f" (it is: {mutant.cause.value})"
    return f"{'caught':7}  {mutant.name}: {_place(trial)}; cause: {trial.cause or 'not named'}{right}"


def _place(trial: Trial) -> str:
    if trial.step is None:
        return ", ".join(trial.checks)
    where = "after the last step" if trial.step < 0 else f"step {trial.step}"
    return f"{where}, {trial.stage}, {trial.tensor}"


INTRODUCTION = """\
# Mutants

`harness mutants` plants a bug in client or trunk, runs the smallest scenario that can reveal it, and records the
judge's verdict. This page is generated by `harness mutants --markdown docs/mutants.md`.

* A bug is **caught** if the run's verdict is FAIL; *found by* lists the failed checks. The correct system runs the same
  scenarios; any that it does not pass is a false alarm.
* *whose*: the party whose code is wrong. A bug in `shared` code is also planted in the reference's process, as far as
  the reference runs that code; the judge has an independent definition of the rule.
* *steps late*: number of steps between the first one that the bug affects and the first divergence.
* *named cause*: the cause that the diagnosis names; where it is wrong, the true one in parentheses. Most of the bugs
  were known when the diagnosis rules were written; those that were added later are counted separately.
* *loss curve*: whether a step's loss is missing or off by more than 1 %.
* *allclose*: whether `torch.allclose`, with its default tolerances, finds a difference in the final weights; empty if
  there are none to compare.
"""

COLUMNS: Mapping[str, Callable[[Mutant, Trial], str]] = {
    "bug": lambda mutant, _: f"**{mutant.name}** {mutant.what}",
    "seen in": lambda mutant, _: mutant.source,
    "whose": lambda mutant, _: mutant.party,
    "found by": lambda _, trial: ", ".join(trial.checks) if trial.caught else f"MISSED ({trial.verdict})",
    "first difference": lambda _, trial: "" if trial.step is None else _place(trial),
    "steps late": lambda _, trial: "" if trial.latency is None else str(trial.latency),
    "named cause": lambda mutant, trial: trial.cause + ("" if trial.cause_right else f" (it is: {mutant.cause.value})"),
    "loss curve": lambda _, trial: _yes(trial.in_the_curve),
    "allclose": lambda _, trial: _yes(trial.in_allclose),
}


def _yes(seen: bool | None) -> str:  # noqa: FBT001 - what a cell shows
    return "" if seen is None else "yes" if seen else "no"


def as_markdown(card: Scorecard) -> str:
    """Return a scorecard as a Markdown page, without figures that vary between runs, such as times."""
    counted = sorted(card.counted.items(), key=lambda pair: pair[0].name)
    others = sorted((mutant for mutant in card.trials if mutant.equivalent), key=lambda mutant: mutant.name)
    return "\n".join(
        [
            INTRODUCTION,
            *_table(("count", ""), ([name, str(count)] for name, count in card.figures.items())),
            "",
            *_table(COLUMNS, ([cell(*pair) for cell in COLUMNS.values()] for pair in counted)),
            "",
            *_table(("equivalent", "why"), ([f"**{each.name}** {each.what}", each.equivalent] for each in others)),
            "",
        ]
    )


def _table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Yield the lines of a table."""
    named = list(heads)
    yield f"| {' | '.join(named)} |"
    yield f"|{'---|' * len(named)}"
    yield from (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
