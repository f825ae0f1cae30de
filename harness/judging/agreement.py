"""Whether two runs of one scenario, in two worlds, came to the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.plan.faults import Fault
from harness.trace.event import Event

__all__ = ["Place", "Witness", "applied_steps", "differences", "shown"]

# Party, step, microbatch and name of a tensor.
Place = tuple[str, int, int | None, str]
PARTIES = ("client", "trunk")
SHOWN = 3
Key = TypeVar("Key", Place, str)


@dataclass(frozen=True)
class Witness:
    """What one run of a scenario left to compare.

    Attributes:
        verdict: PASS, or why not.
        events: of the run.
        digests: of every tensor that was recorded.
        finals: digests of the last checkpoint's weights and optimizer state, by name.
    """

    verdict: str
    events: Sequence[Event]
    digests: Mapping[Place, str]
    finals: Mapping[str, str]


def applied_steps(events: Iterable[Event], party: str) -> list[int]:
    """Return the steps that a party applied in the history that counts, without those that were lost in a crash."""
    steps: list[int] = []
    for event in sorted(events, key=lambda event: event.t):
        if event.point == f"{party}.session.opened":
            del steps[event.step or 0 :]
        elif event.point == f"{party}.commit.applied":
            steps.append(event.step or 0)
    return steps


def shown(faults: Iterable[Fault], events: Sequence[Event]) -> list[str]:
    """Return the names of the faults whose traces are among the events."""
    begun = {event.fields["fault"]: int(event.fields["held"]) for event in events if event.point == "fault.injected"}
    named = {fault.name: fault for fault in faults}
    return [
        name
        for name, fault in named.items()
        if (held := begun.get(name)) is not None and fault.shows([event for event in events if event.number > held])
    ]


def differences(faults: Sequence[Fault], simulated: Witness, real: Witness) -> Iterator[str]:
    """Yield in words what the two runs do not have in common."""
    yield from _differ("verdict", simulated.verdict, real.verdict)
    yield from _differ("faults that showed", shown(faults, simulated.events), shown(faults, real.events))
    for party in PARTIES:
        ours, theirs = (applied_steps(each.events, party) for each in (simulated, real))
        yield from _differ(f"steps that the {party} applied", ours, theirs)
    yield from _compared("tensors", simulated.digests, real.digests)
    yield from _compared("tensors of the last checkpoint", simulated.finals, real.finals)


def _differ(what: str, simulated: object, real: object) -> Iterator[str]:
    if simulated != real:
        yield f"{what}: simulated {simulated}, real {real}"


def _compared(what: str, simulated: Mapping[Key, str], real: Mapping[Key, str]) -> Iterator[str]:
    if not real:
        yield f"{what}: the real run left none"
    apart = sorted(map(str, simulated.keys() ^ real.keys()))
    if apart:
        yield f"{what}: {len(apart)} are of one run only, such as {', '.join(apart[:SHOWN])}"
    differing = [str(place) for place, digest in simulated.items() if real.get(place, digest) != digest]
    if differing:
        yield f"{what}: {len(differing)} differ, first {differing[0]}"
