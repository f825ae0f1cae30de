"""Clients without the token, TLS or certificate that the trunk requires are turned away."""

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.plan.strangers import EXPECTED, strangers_of
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_strangers"]


@register_check
def check_strangers(facts: RunFacts) -> CheckResult:
    """Compare the answer to each stranger; VOID if one that the settings keep out has not tried."""
    tries = [event.fields for event in facts.events if event.point == "stranger.answered"]
    findings = []
    for stranger, method, answer in ((tried["stranger"], tried["method"], tried["answer"]) for tried in tries):
        if answer != EXPECTED[stranger]:
            who = f"{stranger} {method}".rstrip()
            findings.append(Finding(f"{who}: the answer was {answer}; {EXPECTED[stranger]} is right"))
    missing = [name for name in strangers_of(facts.scenario) if name not in {tried["stranger"] for tried in tries}]
    void = f"nobody tried with {', '.join(missing)}" if missing else ""
    summary = f"{len(tries) - len(findings)} of {len(tries)} knocks of strangers had the right answer"
    return CheckResult("strangers", len(tries), summary, findings, void_because=void)
