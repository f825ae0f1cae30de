"""What a run may cost, derived from the plan and not from what happened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.judging.facts import RunFacts
from harness.plan.adversaries import HostilePeers
from harness.plan.faults import Absence, Fault, Restart
from harness.trace.event import Event
from splitlearn.config import TrainingConfig

__all__ = ["Budget", "attempts_within", "budget_of", "most_live_sessions"]

# Pauses between attempts of one call, as in docs/protocol.md: doubled from the first up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
# From a fault's healing to the client's connection: the client's own pause, and a busy machine.
RECONNECTING = 2.0
# How often a client checks whether it has sent anything (docs/protocol.md).
BEAT_SECONDS = 5.0
PARTIES = ("client", "trunk")
UNRESTRICTED = TrainingConfig.model_fields["max_pending_bytes"].default


@dataclass(frozen=True)
class Budget:
    """How often each point may be passed, and how often calls may fail.

    Attributes:
        points: least and most, by point; equal in an undisturbed run.
        passes: least and most of the trunk's forward passes, for whatever purpose.
        failed_calls: at most.
    """

    points: Mapping[str, tuple[int, int]]
    passes: tuple[int, int]
    failed_calls: int


def budget_of(facts: RunFacts) -> Budget:
    """Return the budget of a run.

    Undisturbed, every count is known. Each unannounced end of a program costs at most a repetition of the steps since
    the last checkpoint, each failed call one repetition, and hostile peers what they were planned to send.
    """
    scenario, steps = facts.scenario, facts.reference_steps
    counts = [int(step["microbatches"]) for step in steps]
    skipped = [count for count, step in zip(counts, steps, strict=True) if step["skipped"]]
    interval = scenario.config.save_interval or len(steps)
    saves = -(-len(steps) // interval)
    fetches = len([step for step in steps if step["step"] in scenario.record_steps and not step["skipped"]])
    ended = sum(fault.ends(party) for fault in scenario.faults for party in PARTIES)
    ended += sum(isinstance(fault, Absence) for fault in scenario.faults)  # giving up a session costs as much
    # A trunk that is told to stop costs no step: its client saves first.
    asked = sum(isinstance(fault, Restart) and fault.victim == "trunk" for fault in scenario.faults)
    redone = (ended - asked) * (min(interval, len(steps)) + 1)
    failed_calls = sum(_failed_calls(fault, facts.events, max(counts)) for fault in scenario.faults)
    # What else the trunk may receive: retries, duplicates, and requests from strangers.
    strangers = sum(each.count for each in scenario.adversaries if isinstance(each, HostilePeers))
    spare = failed_calls + facts.count("relay.request.doubled") + strangers if scenario.planned else 0
    passes, again = sum(counts), redone * max(counts)
    least = passes - sum(skipped)  # in a skipped step, what is not finite is not sent
    recomputed = 0 if scenario.config.max_pending_bytes == UNRESTRICTED else passes
    computed_again = recomputed + (again + spare if scenario.planned else 0)
    asked_for = passes + again + spare + recomputed
    points = {
        "client.forward.sent": (least, passes + again),
        "client.backward.sent": (least, passes + again),
        "client.checkpoint.saved": (saves, saves + 2 * ended),
        "trunk.checkpoint.saved": (saves, saves + 2 * ended + spare),
        "trunk.graph.recomputed": (0, computed_again),
        "client.gradients.sending": (fetches, fetches + redone),
    }
    if scenario.topology != "local":
        points |= {
            "trunk.session.opened": (1, 1 + 2 * ended + spare),
            "trunk.compute.received": (least, asked_for),
            "trunk.backward.received": (least, asked_for),
            "trunk.gradients.received": (fetches, fetches + redone + spare),
            # Every checkpoint, the end of the session, and the commit of a step before one that is skipped at once; a
            # client that has been silent this long sends a heartbeat.
            "trunk.sync.received": (saves + 1, saves + 1 + len(skipped) + 4 * ended + spare + _beats(facts.events)),
        }
    if scenario.planned:
        # The last message may be lost in flight, and work may be repeated at other places.
        points = {point: (0, most) for point, (_, most) in points.items()}
    return Budget(points, (0 if scenario.planned else least, asked_for + computed_again), failed_calls)


def attempts_within(seconds: float) -> int:
    """Count the attempts of one call that keeps failing for `seconds`: at once, and after each pause."""
    attempts, passed, pause = 1, 0.0, FIRST_PAUSE
    while passed + pause <= seconds:
        passed, pause, attempts = passed + pause, min(2 * pause, LONGEST_PAUSE), attempts + 1
    return attempts


def most_live_sessions(events: Iterable[Event]) -> int:
    """Return the largest number of sessions that a trunk held at once; one that restarts holds none."""
    live: set[str] = set()
    most = 0
    for event in events:
        if event.point == "trunk.server.starting":
            live.clear()
        elif event.point == "trunk.session.opened":
            live.add(str(event.fields["session"]))
        elif event.point == "trunk.session.closed":
            live.discard(str(event.fields["session"]))
        most = max(most, len(live))
    return most


def _beats(events: Sequence[Event]) -> int:
    """Return how many heartbeats fit into the run."""
    return int(max((event.t for event in events), default=0.0) / BEAT_SECONDS)


def _failed_calls(fault: Fault, events: Iterable[Event], microbatches: int) -> int:
    """Count the calls that may fail because of one fault.

    One call is retried at a time; the others in flight, of both passes of every microbatch, fail once. A restarted
    client begins with the shortest pause.
    """
    told = {event.point: event.t for event in events if event.fields.get("fault") == fault.name}
    outage = told.get("fault.healed", 0.0) - told.get("fault.injected", 0.0)
    chains = 1 + fault.ends("client")
    return chains * (attempts_within(max(outage, 0.0) + RECONNECTING) + 2 * microbatches)
