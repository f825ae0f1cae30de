"""Every planned adversary began, left a mark, and finished."""

from collections.abc import Iterator

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.plan.adversaries import Adversary
from harness.trace.event import Event
from harness.trace.verdict import CheckResult

__all__ = ["check_adversaries"]


@register_check
def check_adversaries(facts: RunFacts) -> CheckResult:
    """VOID if an adversary did not begin, left no mark or did not finish; N/A if none was planned.

    What its attacks led to is judged by checks of their own, such as `hostility` and `lies`.
    """
    planned = facts.scenario.adversaries
    if not planned:
        return CheckResult("adversaries", 0, "none were planned", applies=False)
    told = {
        point: {str(event.fields["adversary"]): event for event in facts.events if event.point == f"adversary.{point}"}
        for point in ("began", "ended", "failed", "gave_up")
    }
    problems = [problem for adversary in planned for problem in _problems(adversary, told, facts)]
    summary = f"{len(told['ended'])} of {len(planned)} adversaries came to their end"
    figures = {"adversaries planned": len(planned), "adversaries ended": len(told["ended"])}
    return CheckResult("adversaries", len(planned), summary, (), figures, void_because="; ".join(problems))


def _problems(adversary: Adversary, told: dict[str, dict[str, Event]], facts: RunFacts) -> Iterator[str]:
    name = adversary.name
    for point, words in (("failed", "did not begin"), ("gave_up", "did not finish")):
        if name in told[point]:
            yield f"{name} {words}: {told[point][name].fields['reason']}"
            return
    if name not in told["began"]:
        yield f"{name} did not begin"
    elif name not in told["ended"]:
        yield f"{name} did not finish"
    elif not adversary.shows(facts.events):
        yield f"{name} left no mark"
