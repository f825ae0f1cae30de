"""Runs the scripts of faults in a simulated world."""

from collections.abc import Callable
from typing import NoReturn, Protocol

from harness.errors import HarnessError
from harness.plan.faults import PartyName
from harness.plan.faults import effects as ask
from harness.plan.planned import Planned
from harness.sim.network import SimNetwork
from harness.sim.observer import SimObserver
from harness.sim.party import SimParty
from harness.sim.relay import SimRelay
from harness.trace.event import Event
from harness.trace.place import At

__all__ = ["SimWorld", "run_script"]

# Virtual seconds; longer than a stopping trunk waits for its clients to save.
STOP_TIMEOUT = 90.0


class SimWorld(Protocol):
    """The parts of a simulated world that a script can act on."""

    observer: SimObserver
    network: SimNetwork
    relay: SimRelay

    def party(self, name: str) -> SimParty:
        """Return a party by name."""

    def alter_half(self, name: PartyName, bit: int, *, newest: bool) -> None:
        """Alter a bit of a party's half of a checkpoint of the first client's session; may raise `HarnessError`."""

    @property
    def over(self) -> bool:
        """Whether all clients have finished."""


def run_script(planned: Planned, held: Event, world: SimWorld, on_end: Callable[[], None]) -> None:
    """Start a fault's script; the kernel resumes it whenever what it waits for has happened.

    Args:
        planned: the fault.
        held: the event at which a process is held; it is released when the script says so, at the latest at its end.
        world: the world to act on.
        on_end: called when the script has ended.
    """
    _Running(planned, held, world, on_end).advance(None, None)


class _Running:
    def __init__(self, planned: Planned, held: Event, world: SimWorld, on_end: Callable[[], None]) -> None:
        self._planned = planned
        self._script = planned.script()
        self._held = held
        self._world = world
        self._on_end = on_end
        self._injected = False

    def advance(self, answer: Event | None, error: Exception | None) -> None:
        """Carry out effects until one requires waiting; resumes the script with an answer or an error."""
        while True:
            try:
                effect = self._script.throw(error) if error else self._script.send(answer)
            except StopIteration:
                self._end("")
                return
            except Exception as failed:  # noqa: BLE001 - any error means that the fault did not heal, which is reported
                self._end(str(failed) or type(failed).__name__)
                return
            answer = error = None
            if isinstance(effect, ask.Release):
                self._release("fault.injected")
                continue
            try:
                if self._waits(effect):
                    return
                self._carry_out(effect)
            except HarnessError as failed:
                error = failed

    def _release(self, point: str, **fields: object) -> None:
        self._injected = True
        told = {"fault": self._planned.name, "held": self._held.number, **fields}
        self._world.observer.note("harness", point, "", self._held.step, **told)
        assert self._held.release is not None
        self._held.release()

    def _end(self, problem: str) -> None:
        if not self._injected and problem:
            self._release("fault.failed", reason=problem)
        elif not self._injected:
            self._release("fault.injected")
        if self._injected and problem:
            self._world.observer.note("harness", "fault.unhealed", fault=self._planned.name, reason=problem)
        elif not problem:
            self._world.observer.note("harness", "fault.healed", fault=self._planned.name)
        self._on_end()

    def _waits(self, effect: ask.Effect) -> bool:
        """Start waiting if an effect requires it; return whether it does."""
        observer = self._world.observer
        match effect:
            case ask.Until(point, fields, within, after):
                find = observer.seeker(effect.at, (after or self._held).number, fields).find
                late = HarnessError(f"{point} did not come within {within:g} s")
                observer.when(
                    lambda: self._world.over or find() is not None,
                    within,
                    lambda: self._found(find()),
                    lambda: self.advance(None, late),
                )
            case ask.UntilTrunkServes():
                served = observer.seeker(At("trunk.server.ready"), self._held.number).find
                down = HarnessError("the trunk did not start serving in time")
                observer.when(
                    lambda: served() is not None, ask.NOTICE_TIMEOUT, self._go_on, lambda: self.advance(None, down)
                )
            case ask.Wait(seconds):
                observer.when(lambda: self._world.over, seconds, self._go_on, self._go_on)
            case ask.StartStoppedParty(name, status):
                party = self._world.party(name)
                still = HarnessError(f"the {name} did not stop in time")
                observer.when(
                    lambda: party.has_stopped,
                    STOP_TIMEOUT,
                    lambda: self._start_stopped(party, status),
                    lambda: self.advance(None, still),
                )
            case _:
                return False
        return True

    def _go_on(self) -> None:
        self.advance(None, None)

    def _found(self, event: Event | None) -> None:
        self.advance(event, None if event else HarnessError("the run ended"))

    def _start_stopped(self, party: SimParty, status: int) -> None:
        try:
            party.start_stopped(status)
        except HarnessError as error:
            self.advance(None, error)
        else:
            self.advance(None, None)

    def _carry_out(self, effect: ask.Effect) -> None:  # noqa: C901, PLR0912 - one case per effect
        world = self._world
        match effect:
            case ask.Disconnect():
                world.network.disconnect()
                world.observer.note("proxy", "proxy.disabled")
            case ask.Reconnect():
                world.network.reconnect()
                world.observer.note("proxy", "proxy.enabled")
            case ask.SwallowConnections():
                count = world.network.swallow()
                world.observer.note("proxy", "proxy.connections.swallowed", count=count)
            case ask.AddToxic(toxic):
                world.network.add(toxic)
                told = {"toxic": toxic.name, "type": toxic.type, "stream": toxic.stream}
                world.observer.note("proxy", "proxy.toxic.added", "", None, **told)
            case ask.RemoveToxic(toxic):
                world.network.remove(toxic)
                world.observer.note("proxy", "proxy.toxic.removed", toxic=toxic.name)
            case ask.ArmMessageFault(rule):
                world.relay.arm(rule)
            case ask.DeliverLate():
                world.relay.deliver_late()
            case ask.KillParty(party):
                world.party(party).kill()
            case ask.LosePower(party, changes):
                world.party(party).lose_power(changes)
            case ask.KeepPower(party):
                world.party(party).machine.keep_power()
            case ask.FailDisk(party, changes, error, times):
                world.party(party).fail_disk(changes, error, times)
            case ask.AlterHalf(party, newest, bit):
                world.alter_half(party, bit, newest=newest)
            case ask.StopParty(party):
                world.party(party).ask_to_stop()
            case ask.StartParty(party):
                world.party(party).start()
            case ask.PauseParty(party):
                world.party(party).pause()
            case ask.ResumeParty(party):
                world.party(party).go_on()
            case ask.Supersede(party):
                world.party(party).supersede()
            case ask.ResumeSuperseded(party):
                world.party(party).superseded.go_on()
            case _:
                _cannot(effect)


def _cannot(effect: ask.Effect) -> NoReturn:
    raise HarnessError(f"{type(effect).__name__} requires real programs and a real network")
