"""Which faults the client must notice by itself, within what time, and how long it took."""

from collections.abc import Sequence
from math import inf

from harness.plan.faults import (
    CutMessage,
    DropConnection,
    Fault,
    Kill,
    MessageFault,
    NetworkFault,
    Partition,
    Pause,
)
from harness.plan.faults.fault import is_failed_call, is_lost_connection
from harness.trace.event import Event

__all__ = ["notice_within", "seconds_to_notice"]

# A connection is silent for 10 s before it is pinged, and a ping may take a minute. Both are counted from the last
# bytes, which may still have been in flight.
PINGS = 72.0
# The failing call may still have to be sent, and its end to be reported: 0.02 s at a load of 10 on two cores.
SLACK = 1.0
# Nobody answers, but the connection still answers pings.
UNANSWERED = ("lose-request", "lose-reply", "corrupt-request", "corrupt-reply")
AWAY = ("process.killed", "process.stopped", "process.paused")


def notice_within(fault: Fault, deadline: float) -> float | None:
    """Return the seconds after which the client must have noticed a fault; None if it need not, or is told.

    Args:
        fault: what broke.
        deadline: of one call.
    """
    dead = min(deadline, PINGS)
    match fault:
        case MessageFault(failure=failure):
            return deadline + SLACK if failure in UNANSWERED else None
        case NetworkFault(failure="delay-spike"):  # which delays pings too little to miss their deadline
            return deadline + SLACK
        case Pause(victim="trunk", seconds=seconds) if seconds <= dead + SLACK:
            return None  # over before it must be noticed
        case Pause(victim="trunk") | Kill(victims=("trunk",)):
            return dead + SLACK
        case DropConnection() | Partition() | CutMessage() | NetworkFault():
            return dead + SLACK
    return None


def seconds_to_notice(events: Sequence[Event], injected: Event, within: float) -> float | None:
    """Return the seconds that the client took to notice a fault, infinite if it never did.

    It notices by a failed call, a lost connection or a lost session. The effect of another fault counts as well: the
    client then knew that something was wrong. None if no client was there to notice: it had not started, or was
    killed, stopped or paused, or had finished, before the time was over.

    Args:
        events: of the run, in order of arrival.
        injected: the injection of the fault.
        within: seconds after which it must be noticed.
    """
    held = int(injected.fields["held"])
    own = [e for e in events if e.number <= held and (e.point.startswith("client.") or _is_gone(e))]
    if not own or _is_gone(own[-1]):
        return None
    # A process that is not held may notice before the injection is recorded.
    after = [(max(0.0, e.t - injected.t), e) for e in events if e.number > held]
    noticed = min((seconds for seconds, event in after if _is_mark(event)), default=inf)
    gone = min((seconds for seconds, event in after if _is_gone(event)), default=inf)
    return None if gone < min(noticed, within) else noticed


def _is_mark(event: Event) -> bool:
    return is_failed_call(event) or is_lost_connection(event) or event.point == "client.session.lost"


def _is_gone(event: Event) -> bool:
    """Return whether from here on there is no client that could notice anything."""
    away = event.point in AWAY and event.party == "client"
    return away or event.point == "client.training.finished"
