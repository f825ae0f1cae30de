"""What a run may cost, known from what was planned and not from what was done."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.judging.facts import RunFacts
from harness.plan.adversaries import HostilePeers, KeepPace
from harness.plan.faults import Absence, Fault, Restart, ends
from harness.trace.event import Event
from splitlearn.config import TrainingConfig

__all__ = ["Budget", "attempts_within", "budget_of", "most_live_sessions"]

# The pauses between two attempts of one call as docs/protocol.md has them: doubled from the first to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
# From a fault's healing to the client's connection: its own pause, and a machine that is busy.
RECONNECTING = 2.0
# A client looks that often whether it has spoken, says docs/protocol.md.
BEAT_SECONDS = 5.0
PARTIES = ("client", "trunk")
UNRESTRICTED = TrainingConfig.model_fields["max_pending_bytes"].default


@dataclass(frozen=True)
class Budget:
    """How often each point may be passed, and how often calls may fail.

    Attributes:
        points: least and most, by point; the same where nothing disturbs the run.
        passes: least and most, of the trunk's forward passes, whatever they were computed for.
        failed_calls: at most.
    """

    points: Mapping[str, tuple[int, int]]
    passes: tuple[int, int]
    failed_calls: int


def budget_of(facts: RunFacts) -> Budget:
    """Return the budget of a run.

    Without faults every count is known. Each end of a program that nobody announced costs at most the steps since the
    last checkpoint once more, each failed call one repetition, and hostile peers what they were planned to send.
    """
    scenario, steps = facts.scenario, facts.reference_steps
    counts = [int(step["microbatches"]) for step in steps]
    skipped = [count for count, step in zip(counts, steps, strict=True) if step["skipped"]]
    interval = scenario.config.save_interval or len(steps)
    saves = -(-len(steps) // interval)
    fetches = len([step for step in steps if step["step"] in scenario.record_steps and not step["skipped"]])
    ended = sum(ends(fault, party) for fault in scenario.faults for party in PARTIES)
    ended += sum(isinstance(fault, Absence) for fault in scenario.faults)  # a session that is given up costs as much
    # A trunk that is asked to stop costs no step: its client saves first.
    asked = sum(isinstance(fault, Restart) and fault.victim == "trunk" for fault in scenario.faults)
    redone = (ended - asked) * (min(interval, len(steps)) + 1)
    failed_calls = sum(_failed_calls(fault, facts.events, max(counts)) for fault in scenario.faults)
    # What else the trunk may receive: what was sent again or twice, and what strangers send.
    strangers = sum(fault.count for fault in scenario.faults if isinstance(fault, HostilePeers))
    spare = failed_calls + facts.count("relay.request.doubled") + strangers if scenario.faults else 0
    passes, again = sum(counts), redone * max(counts)
    least = passes - sum(skipped)  # of a step that is skipped, what is not finite is not sent
    recomputed = 0 if scenario.config.max_pending_bytes == UNRESTRICTED else passes
    computed_again = recomputed + (again + spare if scenario.faults else 0)
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
            # client that has not spoken for so long says that it is there.
            "trunk.sync.received": (saves + 1, saves + 1 + len(skipped) + 4 * ended + spare + _beats(facts.events)),
        }
    if scenario.faults:
        # The last word may be lost on its way, and what was done may be done at other places.
        points = {point: (0, most) for point, (_, most) in points.items()}
    return Budget(points, (0 if scenario.faults else least, asked_for + computed_again), failed_calls)


def attempts_within(seconds: float) -> int:
    """Count the attempts of one call that fails for so long: at once, and after each of the pauses."""
    attempts, passed, pause = 1, 0.0, FIRST_PAUSE
    while passed + pause <= seconds:
        passed, pause, attempts = passed + pause, min(2 * pause, LONGEST_PAUSE), attempts + 1
    return attempts


def most_live_sessions(events: Iterable[Event]) -> int:
    """Return how many sessions a trunk held at once, at most; one that starts anew holds none."""
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
    """Return how many heartbeats the run was long enough for."""
    return int(max((event.t for event in events), default=0.0) / BEAT_SECONDS)


def _failed_calls(fault: Fault, events: Iterable[Event], microbatches: int) -> int:
    """Count the calls that may fail of one fault.

    One call is repeated at a time; the others under way, of both passes of every microbatch, fail once. A client that
    is started again begins with the shortest pause.
    """
    if isinstance(fault, HostilePeers | KeepPace):
        return 0
    told = {event.point: event.t for event in events if event.fields.get("fault") == fault.name}
    outage = told.get("fault.healed", 0.0) - told.get("fault.injected", 0.0)
    chains = 1 + ends(fault, "client")
    return chains * (attempts_within(max(outage, 0.0) + RECONNECTING) + 2 * microbatches)
