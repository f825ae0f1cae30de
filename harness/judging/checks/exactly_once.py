"""Each optimizer step was applied once on each side, in every history that counts."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.judging.check import register_check
from harness.judging.facts import RunFacts
from harness.trace.event import Event
from harness.trace.verdict import CheckResult, Finding

__all__ = ["check_exactly_once"]

PARTIES = ("client", "trunk")
# The reason for which an older incarnation must be refused.
# Points that a side passes when it trains from where its session was opened.
TRAINING = ("client.forward.sending", "trunk.compute.received")
FENCED = ("STALE_INCARNATION", "SESSION_HELD")


@register_check
def check_exactly_once(facts: RunFacts) -> CheckResult:
    """Follow each side's count of applied steps from its events alone.

    Opening a session sets the count to the step of the checkpoint that it continues from; every applied commit must be
    of the next step, and the count must end at the number of steps. A commit that is applied twice, left out, or
    carried out for a superseded incarnation breaks the chain. A session must be opened at the newest step of which
    both sides had a checkpoint. Of several clients, each is followed, with the trunk's events of its session.
    """
    applied, findings = _followed(facts)
    steps = len(facts.reference_steps)
    for party, other in facts.others.items():
        more, found = _followed(other)
        applied += more
        findings += [replace(each, message=f"{party}: {each.message}") for each in found]
        steps += len(other.reference_steps)
    if not applied:
        return CheckResult("exactly_once", 0, "no step was applied")
    calls = facts.count("client.call.failed")
    figures = {
        "failed calls that were repeated": calls,
        "steps done again after a crash": applied - len(PARTIES) * steps,
    }
    summary = f"{steps} steps, each applied once on both sides" if not findings else "some steps were not applied once"
    return CheckResult("exactly_once", applied, summary, findings[:10], figures)


def _followed(facts: RunFacts) -> tuple[int, list[Finding]]:
    """Follow one client and the trunk; returns how many steps both have applied, and what is wrong."""
    steps = len(facts.reference_steps)
    findings: list[Finding] = []
    applied = 0
    for party in PARTIES:
        # A restarted process has a new connection: only the clock orders events of both.
        own = (event for event in facts.events if event.point.startswith(f"{party}."))
        events = sorted(own, key=lambda event: event.t)
        count, found = _follow(party, events)
        findings += found
        applied += sum(event.point == f"{party}.commit.applied" for event in events)
        if count != steps:
            findings.append(Finding(f"the {party} has applied {count} steps in the end instead of {steps}"))
    return applied, findings + _accepted_late(facts.events) + _opened_elsewhere(facts.events)


def _follow(party: str, events: Sequence[Event]) -> tuple[int, list[Finding]]:
    count, findings = 0, []
    for event in events:
        if event.point == f"{party}.session.opened":
            count = event.step or 0
        elif event.point == f"{party}.commit.applied":
            step = event.step or 0
            if step != count:
                findings.append(Finding(f"{event.point} of step {step} when {count} were applied", {"step": step}))
            count = max(count, step + 1)
    return count, findings


def _accepted_late(events: Iterable[Event]) -> list[Finding]:
    """Return requests of an older incarnation that were carried out, or refused for another reason.

    A request that was held back is of an older incarnation if the session has been opened since.
    """
    findings, opened = [], False
    for event in sorted(events, key=lambda event: event.t):
        if event.point == "relay.request.kept":
            opened = False
        elif event.point == "trunk.session.opened":
            opened = True
        elif event.point == "relay.request.delivered" and opened:
            method, code, reason = event.fields["method"], event.fields["code"], event.fields.get("reason", "")
            if code == "OK" or reason not in (*FENCED, "", None):
                findings.append(Finding(f"a late {method} of an older incarnation got {code} {reason}"))
    return findings


def _opened_elsewhere(events: Iterable[Event]) -> list[Finding]:
    """Return sessions that were trained on from another step than the newest of which both sides had a checkpoint.

    A client may see only once it has the session what another one had saved meanwhile; then it opens it again at once.
    """
    saved: dict[str, set[int]] = {party: set() for party in PARTIES}
    doubtful: dict[str, Finding] = {}
    findings = []
    for event in sorted(events, key=lambda event: event.t):
        party, _, what = event.point.partition(".")
        if what == "checkpoint.placed":
            saved[party].add(event.step or 0)
        elif event.point == "disk.altered":
            saved[event.party].discard(event.step or 0)
        elif what == "session.opened":
            doubtful.pop(party, None)
            newest = max(saved["client"] & saved["trunk"], default=0)
            if event.step != newest:
                told = f"{event.point} at step {event.step}, both had a checkpoint of {newest}"
                doubtful[party] = Finding(told, {"step": event.step})
        elif event.point in TRAINING and party in doubtful:
            findings.append(doubtful.pop(party))
    return [*findings, *doubtful.values()]
