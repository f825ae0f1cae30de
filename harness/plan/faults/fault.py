"""What every fault is: a value with a script of effects, which begins while a process is held at a named point.

Adding a fault is one class with `kind`, `group`, `detail`, `script` and `shows`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import HarnessError
from harness.plan.faults.effects import Effect, Script, Until
from harness.plan.faults.groups import OTHER, Group
from harness.plan.planned import Planned
from harness.trace.event import Event

__all__ = ["SHARED_MARKS", "Fault", "is_failed_call", "is_lost_connection", "mended_after", "until_a_call_failed"]

SHARED_MARKS = frozenset({"client.call.failed", "client.connection.changed"})
LOST = ("IDLE", "TRANSIENT_FAILURE")


@dataclass(frozen=True)
class Fault(Planned):
    """Something that breaks once.

    Of `SHARED_MARKS`, which other faults leave too, `shows` sees only those up to the next fault.
    """

    # Whether its script arms a hop that treats single messages badly, or one that alters single bits.
    needs_relay: ClassVar[bool] = False
    needs_flipper: ClassVar[bool] = False
    # Whether only a simulated machine can break in this way.
    needs_simulation: ClassVar[bool] = False

    @property
    def group(self) -> Group:
        """The group that its kind belongs to."""
        return OTHER

    def ends(self, party: str) -> bool:
        """Return whether it ends a party's program, to start it again."""
        return False


def is_failed_call(event: Event, method: str = "") -> bool:
    """Return whether the client saw a call fail, of one RPC if one is named."""
    return event.point == "client.call.failed" and (not method or event.fields["method"] == method)


def is_lost_connection(event: Event) -> bool:
    """Return whether the client saw its connection break."""
    return event.point == "client.connection.changed" and event.fields["state"] in LOST


def until_a_call_failed(method: str = "") -> Script:
    """Wait until a client has noticed: a call has failed, of one RPC if one is named.

    Or until two of other RPCs have failed. The client notices that a call has failed when it waits for it: if it first
    waits for another one that fails again and again, it notices only after what broke is mended. At the second
    failure, which follows a pause, the named call has failed as well, noticed or not, if it was in flight at the first.
    """
    first = yield Until("client.call.failed", of_any=True)
    if method and first and not is_failed_call(first, method):
        yield Until("client.call.failed", after=first, of_any=True)


def mended_after(wait: Script, mending: Iterable[Effect]) -> Script:
    """Return the end of a script: wait, and mend what broke, even if the wait was in vain; only then tell so.

    Not with `finally`: a script that is abandoned must not yield any more.
    """
    in_vain: HarnessError | None = None
    try:
        yield from wait
    except HarnessError as error:
        in_vain = error
    yield from mending
    if in_vain:
        raise in_vain
